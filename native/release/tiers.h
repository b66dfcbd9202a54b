// Where a job's files lie, and where their copies do.
#pragma once

#include <string>

#include "commit/directory.h"

namespace susten {

// What all bundles of a job share.
struct ReleaseTiers {
  DirectoryRef root;
  // Root of the next tier, and its path for messages.
  int next = -1;
  std::string next_path;
  // Directories are synced before a result is told.
  bool sync = false;
};

}  // namespace susten
