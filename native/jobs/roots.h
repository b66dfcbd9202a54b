// What jobs that work below a root begin with.
#pragma once

#include <string>

#include "sys/error.h"
#include "sys/fd.h"

namespace susten {

// Opens the directory `path` to work below it. With an `identity`: only if it lies on that very volume, looked up on
// the descriptor that is returned, so that nothing is touched on another one that was mounted since. Empty, and
// `failure`, if it can't be had or is another (ERR_SUSTEN_STORAGE).
Fd open_root(Sys &sys, const std::string &path, const std::string &identity, Error &failure);

// "a/b" and "c" of "a/b/c"; no directory of "c".
struct SplitPath {
  std::string directory;
  std::string name;
};
SplitPath split_path(const std::string &path);

}  // namespace susten
