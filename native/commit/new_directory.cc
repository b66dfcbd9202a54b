#include "commit/new_directory.h"

#include <fcntl.h>
#include <linux/fs.h>

#include <array>
#include <cerrno>
#include <utility>

#include "commit/metadata.h"
#include "sys/dents.h"
#include "sys/retry.h"

namespace susten {

namespace {

constexpr mode_t kPrivate = 0700;
constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kTries = 3;

void remove_directory(Sys &sys, int parent, const std::string &name) {
  for (int tries = 0; tries < kTries; ++tries) {
    if (retry([&] { return sys.unlinkat(parent, name.c_str(), AT_REMOVEDIR); }) == 0 || errno == ENOENT) return;
  }
}

// 1: nothing is in it; 0: something is; -1: errno.
int is_empty(Sys &sys, int fd) {
  alignas(8) std::array<char, 1024> piece{};
  for (;;) {
    const ssize_t size = retry([&] { return sys.getdents64(fd, piece.data(), piece.size()); });
    if (size <= 0) return size == 0 ? 1 : -1;
    for (size_t at = 0; at < static_cast<size_t>(size);) {
      const Dent dent = read_dent(piece.data() + at);
      if (!dent.is_dots()) return 0;
      at += dent.size;
    }
  }
}

// Takes the name if it is free: 0 or errno, of `syscall`.
int take_name(Sys &sys, int parent, const std::string &hidden, const std::string &name, const char *&syscall) {
  const auto rename = [&](unsigned flags) {
    return retry([&] { return sys.renameat2(parent, hidden.c_str(), parent, name.c_str(), flags); }) == 0 ? 0 : errno;
  };
  syscall = "renameat2";
  const int error = rename(RENAME_NOREPLACE);
  if (error != EINVAL && error != ENOSYS) return error;
  // A file system without that flag (NFS, old SMB). A rename replaces an empty directory at most.
  struct stat st {};
  syscall = "fstatat";
  if (retry([&] { return sys.fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) == 0) return EEXIST;
  if (errno != ENOENT) return errno;
  syscall = "renameat2";
  const int late = rename(0);
  return late == ENOTEMPTY || late == ENOTDIR ? EEXIST : late;
}

// Fills `made` from the directory under the hidden name, which is there.
void furnish_hidden(Sys &sys, int parent, const std::string &hidden, bool strangers, const Furnish &furnish,
                    NewDirectory &made) {
  const auto fail = [&](int number, const char *syscall) {
    made.number = number;
    made.syscall = syscall;
  };
  made.fd = Fd(sys, retry([&] { return sys.openat(parent, hidden.c_str(), kFlags, 0); }));
  if (!made.fd) return fail(errno, "openat");
  if (retry([&] { return sys.fstat(made.fd.get(), &made.st); }) != 0) return fail(errno, "fstat");
  // Who owns the parent can rename another directory to the hidden name. Ours is empty; an empty one of somebody
  // else's is worth nothing.
  const int empty = is_empty(sys, made.fd.get());
  if (empty < 0) return fail(errno, "getdents64");
  if (empty == 0) return fail(EBUSY, "mkdirat");
  if (strangers) {
    const MetadataResult dropped = drop_inherited(sys, made.fd.get(), true);
    if (dropped.number != 0) return fail(dropped.number, dropped.syscall);
  }
  if (!furnish) return;
  const char *syscall = "";
  const int number = furnish(made.fd.get(), made.st, syscall);
  if (number != 0) fail(number, syscall);
}

}  // namespace

NewDirectory make_directory(Sys &sys, const TempMemo &temps, const Directory &parent, const std::string &name,
                            uid_t owner, const Furnish &furnish) {
  NewDirectory made;
  const int dir = parent.fd.get();
  const std::string hidden = temps.name();
  if (retry([&] { return sys.mkdirat(dir, hidden.c_str(), kPrivate); }) != 0) {
    made.number = errno;
    made.syscall = "mkdirat";
    return made;
  }
  furnish_hidden(sys, dir, hidden, is_strangers(parent, owner), furnish, made);
  if (made.number == 0) {
    made.number = take_name(sys, dir, hidden, name, made.syscall);
    if (made.number == 0) return made;
  }
  made.fd.reset();
  remove_directory(sys, dir, hidden);
  return made;
}

}  // namespace susten
