// Opens names below a directory such that no symbolic link, ".." or race can lead out of it.
#pragma once

#include <sys/types.h>

#include <string>

#include "sys/sys.h"

namespace susten {

// Whether `rel` may be resolved below a root: not empty, not absolute, no component that is empty, "." or "..", no NUL.
bool is_beneath(const std::string &rel);

// Opens `rel` below the directory `root`, like openat with O_CLOEXEC. Returns a descriptor, or -1 and errno:
//   EINVAL  `rel` is not is_beneath()
//   ELOOP   a component is a symbolic link (the last one too; only O_PATH|O_NOFOLLOW opens a link itself)
// and whatever openat reports. Crosses mount points. `rel` may be longer than PATH_MAX. `mode` counts with O_CREAT and
// O_TMPFILE only. Interrupted calls are repeated.
int open_beneath(Sys &sys, int root, const std::string &rel, int flags, mode_t mode = 0);

}  // namespace susten
