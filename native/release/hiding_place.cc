#include "release/hiding_place.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "release/put_back.h"
#include "sys/retry.h"

namespace susten {

namespace {

// Who owns the parent can give another directory of ours the name. This mode tells them apart: a directory that is
// private needs no sticky bit. (setgid comes from the parent.)
constexpr mode_t kMode = S_ISVTX | 0700;
constexpr mode_t kModes = 01777;

}  // namespace

int HidingPlace::make(Sys &sys, const TempMemo &temps, const DirectoryRef &parent, const char *&syscall) {
  const std::string name = temps.name();
  syscall = "mkdirat";
  if (retry([&] { return sys.mkdirat(parent->fd.get(), name.c_str(), kMode); }) != 0) return errno;
  const int error = open(sys, parent, name, syscall);
  if (error != 0) remove();
  return error;
}

int HidingPlace::open(Sys &sys, const DirectoryRef &parent, const std::string &name, const char *&syscall) {
  sys_ = &sys;
  parent_ = parent;
  name_ = name;
  syscall = "openat";
  Fd fd(sys, retry([&] {
          return sys.openat(parent->fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        }));
  if (!fd) return errno;
  struct stat st {};
  syscall = "fstat";
  if (retry([&] { return sys.fstat(fd.get(), &st); }) != 0) return errno;
  if (st.st_uid != ::geteuid() || (st.st_mode & kModes) != kMode) return EBUSY;
  fd_ = std::move(fd);
  return 0;
}

void HidingPlace::remove() {
  if (name_.empty()) return;
  fd_.reset();
  remove_hidden(*sys_, parent_->fd.get(), name_, AT_REMOVEDIR);
  name_.clear();
  parent_.reset();
}

}  // namespace susten
