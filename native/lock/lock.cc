#include "lock/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "sys/retry.h"

namespace susten {
namespace {

// How often the file may be replaced under our hands before we give up.
constexpr int kTries = 8;

// Tells the next one who holds the lock. The lock holds without it, say on a full disk.
void write_owner(int fd) {
  const std::string text = std::to_string(::getpid()) + '\n';
  if (::ftruncate(fd, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
}

// Whether `path` still names the file that `fd` is open on.
bool is_current(const std::string &path, int fd) {
  struct stat open_file, named;
  return ::fstat(fd, &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 && open_file.st_dev == named.st_dev &&
         open_file.st_ino == named.st_ino;
}

}  // namespace

Error lock_file(const std::string &path, int &fd) {
  fd = -1;
  for (int tries = 0; tries < kTries; ++tries) {
    constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const int file = retry([&] { return ::open(path.c_str(), flags, 0600); });
    if (file < 0) return last_error("open", path);
    struct stat st;
    if (::fstat(file, &st) != 0 || !S_ISREG(st.st_mode)) {
      ::close(file);
      return {.number = 0, .code = "ERR_SUSTEN_NOT_REGULAR", .syscall = "lock", .path = path, .dest = {}};
    }
    if (retry([&] { return ::flock(file, LOCK_EX | LOCK_NB); }) != 0) {
      Error error = last_error("flock", path);
      // One number has two names; here it means this one.
      if (error.number == EWOULDBLOCK) error.code = "EWOULDBLOCK";
      ::close(file);
      return error;
    }
    if (is_current(path, file)) {
      write_owner(file);
      fd = file;
      return {};
    }
    ::close(file);  // locked, but removed or replaced since it was opened
  }
  errno = ESTALE;
  return last_error("flock", path);
}

void unlock_file(int fd) {
  if (fd < 0) return;
  // A forked child may share the descriptor: closing alone would leave the lock with it.
  [[maybe_unused]] const int emptied = ::ftruncate(fd, 0);
  ::flock(fd, LOCK_UN);
  ::close(fd);
}

}  // namespace susten
