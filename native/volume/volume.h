// How full a file system is, and which one it is.
#pragma once

#include <cstdint>
#include <string>

#include "sys/error.h"
#include "sys/sys.h"

namespace susten {

// A mounted file system. Sizes in bytes.
struct Volume {
  uint64_t total = 0;
  uint64_t available = 0;  // to an unprivileged writer
  uint64_t free = 0;       // including what is reserved for root
  double fill = 0;         // used / (used + available), 0…1, as df counts; 0 where the file system has no size
  uint64_t inodes = 0;     // 0 where the file system doesn't count them
  uint64_t inodes_available = 0;
  double inode_fill = 0;
  bool read_only = false;
  std::string fs_type;       // "ext4"; "0x…", the magic number, where the mount isn't in the mount table
  std::string mount_point;   // empty where the mount isn't in the mount table (detached, or outside of a chroot)
  std::string mount_source;  // likewise
  uint64_t mount_id = 0;     // of the running system; changes with every mount
  uint64_t dev = 0;          // of `path` itself; a btrfs subvolume has its own
  std::string identity;      // see read_identity
};

// Reads the volume that `path` (a directory or file) lies on. May wait as long as the file system does.
Error read_volume(Sys &sys, const std::string &path, Volume &out);

// Which file system the open directory `dirfd` (O_PATH will do) lies on, at which place. Printable ASCII, e.g.
//   xfs uuid=0d1f… root=/ at=/data
//   nfs4 source=server:/export root=/ at=/gpfs
// The same after a reboot or remount; another for another disk, subtree, mount point, or after an unmount. Every tmpfs
// ever mounted has its own. Device names count only where the file system has no identifier of its own.
Error read_identity(Sys &sys, int dirfd, std::string &identity);

}  // namespace susten
