// The identifier that a file system carries itself: what stays when its device gets another name.
#pragma once

#include <string>

#include "sys/error.h"
#include "sys/sys.h"

namespace susten {

// Reads it from any open file (O_PATH will do) on the file system: "uuid=…" or "fsid=…" in hex, or empty if it has none
// or doesn't tell it to this process. `st` is the file's fstatfs. What is read depends on the type of file system only,
// not on what else the kernel at hand offers, wherever that is possible: an upgrade shall not change it.
Error read_identifier(Sys &sys, int fd, const struct statfs &st, std::string &identifier);

}  // namespace susten
