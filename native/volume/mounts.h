// The kernel's mount table, /proc/thread-self/mountinfo (proc_pid_mountinfo(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sys/error.h"
#include "sys/sys.h"

namespace susten {

// One line of the table, unescaped.
struct Mount {
  uint64_t id = 0;
  std::string root;     // what of the file system is mounted: "/", a bind mount's or subvolume's directory
  std::string point;    // where
  std::string type;     // "ext4", "fuse.sshfs"
  std::string source;   // device, export, or whatever the file system calls it
  std::string options;  // the file system's own, comma-separated
};

// The mount that an open file (O_PATH will do) was reached through. Unlike st_dev this tells bind mounts and subvolumes
// apart.
Error read_mount_id(Sys &sys, int fd, uint64_t &id);

// Finds a mount in the table. `found` is false, without an error, if it isn't there: detached, or outside of the
// process's root directory.
Error find_mount(Sys &sys, uint64_t id, bool &found, Mount &mount);

// Parses a line; false if it isn't one.
bool parse_mount(std::string_view line, Mount &mount);

}  // namespace susten
