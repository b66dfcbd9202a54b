// The commit protocol for one file: open, fingerprint, temp file, copy, compare, metadata, sync, name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commit/directory_set.h"
#include "commit/group.h"
#include "commit/place.h"
#include "copy/context.h"
#include "copy/fingerprint.h"
#include "copy/options.h"
#include "copy/strategy.h"
#include "sys/error.h"
#include "sys/timestamp.h"

namespace susten {

// What all copies of an engine share.
struct Commit {
  StrategyMemo strategies;
  TempMemo temps;
  // Directories that are known to be reachable after a power cut: all above them has been synced since they were made.
  DirectorySet anchored;
  GroupCommit groups;
  // When the engine was opened, nanoseconds since the epoch.
  const int64_t begun_ns;

  Commit(Sys &sys, std::string temp_tag) : temps(std::move(temp_tag)), groups(sys), begun_ns(now_ns()) {}
};

struct SourceFile {
  int directory = -1;
  std::string name;
  // Absolute, for messages.
  std::string path;
  // Follow a symbolic link (`dereference`).
  bool follow = false;
  // Bytes that it must have.
  std::optional<int64_t> size{};
};

struct TargetFile {
  DirectoryRef directory;
  std::string name;
  std::string path;
  Existing existing = Existing::replace;
  std::optional<Expected> expected;
  // Fingerprint of the source when our earlier copy was made.
  std::optional<Fingerprint> known;
  // Digest of that copy, if one was made.
  std::string known_digest;
  // See Written::parents.
  std::vector<DirectoryRef> parents;
};

struct FileResult {
  Outcome outcome = Outcome::failed;
  int64_t bytes = 0;
  std::string digest;
  std::optional<Fingerprint> fingerprint;
  // Of the copy; only with Existing::version.
  std::optional<int64_t> mtime_ns;
  Strategy strategy = Strategy::readwrite;
  std::string version;
  Error error;
};

// Copies one file. `done` is called exactly once: before this returns, or later by the group that makes it durable,
// on any worker's thread. `context.cancelled` must outlive that.
void commit_file(Context &context, Commit &commit, const CopyOptions &options, const SourceFile &source,
                 TargetFile target, std::function<void(FileResult)> done);

}  // namespace susten
