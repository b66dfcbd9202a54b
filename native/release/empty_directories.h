// Removes directories that have become empty.
#pragma once

#include <string>
#include <vector>

#include "copy/context.h"
#include "release/bundle.h"

namespace susten {

// Removes those of `names`, paths below the root, that are empty, deepest first; the root itself never. One result per
// name, in their order: `released`, `absent`, `kept` (not empty, a mount point, or no directory) or `failed`.
std::vector<ReleaseResult> remove_empty_directories(Context &context, TempMemo &temps, DirectorySet &restored,
                                                    const ReleaseTiers &tiers, const std::vector<std::string> &names);

}  // namespace susten
