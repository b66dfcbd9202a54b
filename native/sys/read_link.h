// Reads symbolic links.
#pragma once

#include <string>

#include "sys/sys.h"

namespace susten {

// The text of the symbolic link `name`; false and errno (EINVAL: it isn't one).
bool read_link(Sys &sys, int dir, const std::string &name, std::string &text);

}  // namespace susten
