// What Node can't do with named pipes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "sys/error.h"

namespace susten {

// Makes a FIFO. Code EEXIST: the name is taken, by whatever it may be, a dangling symbolic link included.
Error make_fifo(const std::string &path, mode_t mode);

// How many bytes a pipe holds that nobody has read yet. Works on either of its ends.
Error unread_bytes(int fd, int64_t &bytes);

}  // namespace susten
