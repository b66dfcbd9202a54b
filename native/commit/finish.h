// The last steps of a file that is written and has its metadata: sync, name, directory sync.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "commit/file.h"
#include "commit/group.h"
#include "copy/context.h"
#include "copy/options.h"

namespace susten {

// All of it is the caller's; what a group needs is moved out.
struct Unfinished {
  DirectoryRef &directory;
  // See Written::parents.
  std::vector<DirectoryRef> &parents;
  Temp &temp;
  std::string &name;
  // The final name, for messages.
  std::string &path;
  Existing existing;
  const std::optional<Expected> &expected;
  int64_t size;
  // GroupCommit::opening(), if it waits for a group.
  uint64_t opened;
};

// Whether a group makes files in this directory durable, and names them, later.
bool waits_for_group(Durability durability, const Directory &directory);

// Gives the file its name as `durability` asks, and completes `result` with what became of it. `done` is called exactly
// once: before this returns, or later by the group, on any worker's thread. `context.cancelled` must outlive that.
void finish_file(Context &context, Commit &commit, Durability durability, const Unfinished &file, FileResult &result,
                 std::function<void(FileResult)> &done);

}  // namespace susten
