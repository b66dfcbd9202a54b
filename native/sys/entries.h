// Reads a directory piece by piece and tells what each entry is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sys/sys.h"

namespace susten {

enum class Kind : uint8_t { file, directory, symlink, fifo, socket, device, unknown };

struct TreeEntry {
  std::string name;
  Kind kind = Kind::unknown;
  // The entry itself is a symbolic link that is to be followed.
  bool follow = false;
  // errno of looking at it, 0 if none.
  int error = 0;
};

Kind kind_of(mode_t mode);

// Reads the next piece of the open directory `fd`, without "." and "..". With `dereference`, links are looked through.
// 1: there may be more; 0: that was all; -1: errno.
int read_entries(Sys &sys, int fd, bool dereference, std::vector<TreeEntry> &entries);

}  // namespace susten
