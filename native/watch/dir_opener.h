// Opens watched directories by the names they should have, and makes sure that they are those directories.
#pragma once

#include <string>

#include "sys/fd.h"
#include "sys/sys.h"
#include "watch/dir_tree.h"
#include "watch/inotify.h"

namespace susten {

// Descriptors are kept for the next call but only until rest(): an open directory would keep its file system from being
// unmounted.
class DirOpener {
 public:
  DirOpener(Sys &sys, Inotify &inotify, DirTree &tree, std::string root)
      : sys_(sys), inotify_(inotify), tree_(tree), root_(std::move(root)) {}

  // Opens `dir` for reading. Returns a descriptor that is valid until the next call, or -1 and errno; ESTALE if another
  // directory, or none that is known to belong below the root, has its place now.
  int open(const Dir &dir);
  int open_root();
  // errno if the root's path was found not to lead to the root any more, else 0. That is final.
  [[nodiscard]] int lost_root() const { return lost_root_; }
  void rest();

 private:
  int recognise(int fd, int wd);
  Fd open_anew(const Dir &dir);

  Sys &sys_;
  Inotify &inotify_;
  DirTree &tree_;
  const std::string root_;
  int lost_root_ = 0;
  Fd root_fd_;
  Fd last_;
  int last_wd_ = -1;
  std::string path_;
};

// How directories are opened everywhere here.
extern const int kWatchDirFlags;

// Whether an errno says that a name isn't there any more, or is something else by now. Events that tell more are then
// still to come.
bool is_vanished(int number);

}  // namespace susten
