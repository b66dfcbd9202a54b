// Lists the regular files below a directory, piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sys/error.h"
#include "sys/sys.h"

namespace susten {

// A regular file as the walk saw it. Times in nanoseconds from the epoch.
struct Entry {
  std::string name;  // below the walk's root
  uint64_t dev = 0;
  uint64_t ino = 0;
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
};

// A walk that rests between two calls of next(). Memory grows with the depth of the tree only, descriptors with
// neither depth nor width. Symbolic links aren't followed; unfinished files of ours (sys/temp_name.h) and files and
// directories that vanish meanwhile are passed over. Not for use by two threads at once; they may take turns.
class Walk {
 public:
  enum class Step { more, finished };

  // Nothing is opened yet. `below`: directory below `root` to start at, empty for the root itself. `cross_mounts`:
  // enter what is mounted below the root too. `sys` must outlive the walk.
  Walk(Sys &sys, std::string root, std::string below, bool cross_mounts = true);
  ~Walk();
  Walk(const Walk &) = delete;
  Walk &operator=(const Walk &) = delete;

  // Goes on for a bounded while. Replaces the content of `batch` by at most `max` files, none perhaps even where there
  // are more to come, and that of `unreadable` by an error for each directory or file that couldn't be read; the walk
  // goes on behind those. `error` is set, and the walk finished, only if the start can't be opened.
  Step next(std::vector<Entry> &batch, std::vector<Error> &unreadable, size_t max, Error &error);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace susten
