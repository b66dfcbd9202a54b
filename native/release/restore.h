// Puts back what a dead process had put away.
#pragma once

#include "commit/directory.h"
#include "commit/directory_set.h"
#include "commit/temp.h"

namespace susten {

// Once per directory (`restored` remembers) and engine: looks in `directory` for hiding places of a dead process with
// the tag of `temps`. A file in one gets its name again, in place of the link that the process gave it; where something
// newer has the name, it is kept beside it as a version. Links that never got a name go. What can't be put back stays.
void restore_left(Sys &sys, const TempMemo &temps, DirectorySet &restored, const DirectoryRef &directory);

}  // namespace susten
