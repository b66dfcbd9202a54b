// A lock that one process has at a time and that ends with it.
#pragma once

#include <string>

#include "sys/error.h"

namespace susten {

// Creates `path` (mode 0600, never through a symbolic link) if need be, locks it with flock and writes the process id
// into it. Sets `fd`, which holds the lock. Code EWOULDBLOCK: another holder, in this process or elsewhere.
Error lock_file(const std::string &path, int &fd);

// Gives the lock back. The file stays: removing it would let two processes hold locks on two files of one name.
void unlock_file(int fd);

}  // namespace susten
