// Undoes a release: what was put away gets its name again.
#pragma once

#include <string>

#include "sys/sys.h"

namespace susten {

// Gives `name` in the directory `hiding` its place in the directory `dir` again: 0 or errno. A link that stands there
// is ours, with this text (null: any), and goes. Anything else took the name since and keeps it; then what comes back
// is kept beside it as a version, `name.~N~`. After a failure nothing is lost: it is still in `hiding`.
int put_back(Sys &sys, int dir, int hiding, const std::string &name, const std::string *link);

// Removes a name in a hiding place: 0 or errno. More than once if need be, since what is left there stays for long.
int remove_hidden(Sys &sys, int hiding, const std::string &name, int flags = 0);

}  // namespace susten
