// An open directory that files are placed in, with what its file system can do.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "sys/error.h"
#include "sys/fd.h"

namespace susten {

struct Directory {
  Fd fd;
  // For messages only; never used to reach a file.
  std::string path;
  dev_t dev = 0;
  ino_t ino = 0;
  uid_t uid = 0;
  // Nothing here outlives the power (tmpfs, ramfs): syncing has no meaning.
  bool is_volatile = false;
  // One syncfs makes a group durable and reports its errors (local file systems that are known to, Linux >= 5.8).
  bool can_syncfs = false;
  // Write errors may show only at close or sync (NFS, SMB, FUSE, cluster file systems).
  bool is_remote = false;
  // Known to hold unnamed files that can be linked, see Temp.
  std::atomic<bool> has_unnamed{false};
};

using DirectoryRef = std::shared_ptr<Directory>;

// Takes `fd` over and looks its file system up. `failure` says why it couldn't; the result is null then.
DirectoryRef adopt_directory(Sys &sys, Fd fd, std::string path, Error &failure);
// Takes `fd`, whose fstat is `st`, over; its file system is looked up only if it isn't that of `like`.
DirectoryRef adopt_directory(Sys &sys, Fd fd, std::string path, const struct stat &st, const Directory &like,
                             Error &failure);

// 0 if the directory's file system is large enough for a file of `size` bytes, free or not; else EFBIG, or the errno of
// looking at it.
int could_hold(Sys &sys, const Directory &directory, int64_t size);

// "dir/name", with no doubled slash.
std::string join_path(const std::string &directory, const std::string &name);

}  // namespace susten
