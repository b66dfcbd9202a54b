// Makes directories such that nobody can slip in another one that would get the new one's owner.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

#include "commit/directory.h"
#include "commit/temp.h"
#include "sys/fd.h"

namespace susten {

struct NewDirectory {
  Fd fd;
  struct stat st {};
  // 0 if it was made; EEXIST if the name is taken.
  int number = 0;
  const char *syscall = "";
};

// Gives a directory that is being made what it needs before it gets its name: 0 or errno, and `syscall`.
using Furnish = std::function<int(int fd, const struct stat &st, const char *&syscall)>;

// Makes the directory `name` in `parent`. It begins under a hidden name with mode 0700, is looked at through its
// descriptor, and appears when `furnish` is done; after a failure nothing of it is left.
// `owner`: who will own it; see is_strangers().
NewDirectory make_directory(Sys &sys, const TempMemo &temps, const Directory &parent, const std::string &name,
                            uid_t owner, const Furnish &furnish = {});

}  // namespace susten
