#include "watch/dir_opener.h"

#include <fcntl.h>

#include <cerrno>

#include "sys/beneath.h"
#include "sys/retry.h"

namespace susten {

const int kWatchDirFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

bool is_vanished(int number) { return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ESTALE; }

// 0 if the open directory is the one watched as `wd`, else an errno.
int DirOpener::recognise(int fd, int wd) {
  const int found = inotify_.add(fd);
  if (found == wd) return 0;
  // No room for one more watch: so this wasn't watched yet.
  if (found < 0) return errno == ENOSPC ? ESTALE : errno;
  // A directory that isn't known yet: its own event will bring it in, or it is none of ours.
  if (tree_.find(found) == nullptr) inotify_.remove(found);
  return ESTALE;
}

int DirOpener::open_root() {
  if (root_fd_) return root_fd_.get();
  Fd fd(sys_, retry([&] { return sys_.open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); }));
  const int number = fd ? recognise(fd.get(), tree_.root()->wd) : errno;
  if (is_vanished(number)) lost_root_ = number;
  if (number == 0) {
    root_fd_ = std::move(fd);
    return root_fd_.get();
  }
  fd.reset();
  errno = number;
  return -1;
}

Fd DirOpener::open_anew(const Dir &dir) {
  if (last_ && dir.parent != nullptr && dir.parent->wd == last_wd_) {
    return {sys_, retry([&] { return sys_.openat(last_.get(), dir.name.c_str(), kWatchDirFlags, 0); })};
  }
  const int root = open_root();
  if (root < 0) return {};
  if (tree_.path(dir, path_)) return {sys_, open_beneath(sys_, root, path_, kWatchDirFlags)};
  errno = ESTALE;
  return {};
}

int DirOpener::open(const Dir &dir) {
  if (&dir == tree_.root()) return open_root();
  if (last_ && last_wd_ == dir.wd) return last_.get();
  Fd fd = open_anew(dir);
  if (!fd) return -1;
  const int number = recognise(fd.get(), dir.wd);
  if (number != 0) {
    fd.reset();
    errno = number;
    return -1;
  }
  last_ = std::move(fd);
  last_wd_ = dir.wd;
  return last_.get();
}

void DirOpener::rest() {
  root_fd_.reset();
  last_.reset();
  last_wd_ = -1;
}

}  // namespace susten
