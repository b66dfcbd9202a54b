#include "sys/beneath.h"

#include <fcntl.h>

#include <cerrno>
#include <climits>
#include <string_view>

#include "sys/fd.h"
#include "sys/retry.h"

namespace susten {
namespace {

// openat2 gives up when directories are renamed under its hands: EAGAIN, or EXDEV if that led it out of the root.
constexpr int kRaceLimit = 16;
constexpr size_t kLongestPath = PATH_MAX - 1;
constexpr uint64_t kResolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
constexpr int kStepFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

bool takes_mode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

// Within this file a failure is the negative errno, which closing a descriptor on the way out can't overwrite.
int result(int fd) { return fd >= 0 ? fd : -errno; }

// O_DIRECTORY|O_NOFOLLOW fails alike, with ENOTDIR, for links and files: tell them apart.
int explain(Sys &sys, int dir, const std::string &name, int failure) {
  struct stat st;
  if (failure != -ENOTDIR || sys.fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return failure;
  return S_ISLNK(st.st_mode) ? -ELOOP : failure;
}

// Opens one component, never a symbolic link unless both O_PATH and O_NOFOLLOW ask for it.
int open_component(Sys &sys, int dir, const std::string &name, int flags, mode_t mode) {
  const int fd = result(retry([&] { return sys.openat(dir, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode); }));
  if (fd < 0) return explain(sys, dir, name, fd);
  if ((flags & O_PATH) == 0 || (flags & O_NOFOLLOW) != 0) return fd;
  struct stat st;
  const int failure = sys.fstat(fd, &st) != 0 ? -errno : S_ISLNK(st.st_mode) ? -ELOOP : 0;
  if (failure == 0) return fd;
  sys.close(fd);
  return failure;
}

// For kernels before 5.6, and where a sandbox forbids openat2. Safe since each step is one component, never "..".
int open_stepwise(Sys &sys, int root, std::string_view rel, int flags, mode_t mode) {
  Fd dir;
  int at = root;
  for (size_t slash = 0; (slash = rel.find('/')) != std::string_view::npos; rel.remove_prefix(slash + 1)) {
    const int next = open_component(sys, at, std::string(rel.substr(0, slash)), kStepFlags, 0);
    if (next < 0) return next;
    dir = Fd(sys, next);
    at = next;
  }
  return open_component(sys, at, std::string(rel), flags, mode);
}

// Opens what fits into one call.
int open_short(Sys &sys, int root, std::string_view rel, int flags, mode_t mode) {
  struct open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = takes_mode(flags) ? mode & 07777 : 0;
  how.resolve = kResolve;
  const std::string path(rel);
  for (int tries = 0; tries < kRaceLimit; ++tries) {
    const int fd = result(retry([&] { return sys.openat2(root, path.c_str(), &how); }));
    if (fd == -ENOSYS || fd == -EPERM) break;
    if (fd != -EAGAIN && fd != -EXDEV) return fd;
  }
  return open_stepwise(sys, root, rel, flags, mode);
}

int open_any(Sys &sys, int root, std::string_view rel, int flags, mode_t mode) {
  Fd dir;
  int at = root;
  while (rel.size() > kLongestPath) {
    const size_t slash = rel.rfind('/', kLongestPath);
    if (slash == std::string_view::npos) return -ENAMETOOLONG;
    const int next = open_short(sys, at, rel.substr(0, slash), kStepFlags, 0);
    if (next < 0) return next;
    dir = Fd(sys, next);
    at = next;
    rel.remove_prefix(slash + 1);
  }
  return open_short(sys, at, rel, flags, mode);
}

}  // namespace

bool is_beneath(const std::string &rel) {
  if (rel.find('\0') != std::string::npos) return false;
  std::string_view rest = rel;
  for (;;) {
    const size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return false;
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

int open_beneath(Sys &sys, int root, const std::string &rel, int flags, mode_t mode) {
  // The resolution refuses links by itself; O_NOFOLLOW would only turn ELOOP into ENOTDIR.
  if ((flags & O_PATH) == 0 || (flags & O_DIRECTORY) != 0) flags &= ~O_NOFOLLOW;
  const int fd = is_beneath(rel) ? open_any(sys, root, rel, flags, mode) : -EINVAL;
  if (fd >= 0) return fd;
  errno = -fd;
  return -1;
}

}  // namespace susten
