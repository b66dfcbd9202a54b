// What is asked of a release, and what becomes of each file. Mirrors NativeReleaseJob in lib/native.ts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sys/error.h"

namespace susten {

// link: a symbolic link takes the file's place; remove: nothing does; clear: like remove, and a link of an earlier
// release goes too.
enum class ReleaseBy : uint8_t { link, remove, clear };

enum class ReleaseOutcome : uint8_t {
  released,  // gone, or replaced by the link
  changed,   // not the version that was copied (any more)
  busy,      // somebody has it open for writing
  absent,    // no such name
  already,   // the link is there
  missing,   // the copy isn't there, or isn't right
  kept,      // a directory that isn't empty
  failed,
};

struct ReleaseFile {
  // Below the root.
  std::string name;
  ReleaseBy by = ReleaseBy::remove;
  // The version that was copied.
  struct Known {
    int64_t size = 0;
    int64_t mtime_ns = 0;
    std::optional<uint64_t> ino;
    std::optional<int64_t> ctime_ns;
    // XXH3-128 in lower-case hex; empty: not read.
    std::string digest;
  } known;
  // No copy is looked at: the caller answers for it. Only with `remove`.
  bool vouched = false;
  // The copy on the next tier.
  struct Copy {
    // Below the next root.
    std::string name;
    int64_t size = 0;
    int64_t mtime_ns = 0;
    // XXH3-128 in lower-case hex; empty: not read.
    std::string digest;
  } copy;
  // Text of the link; empty if none is to be made or found.
  std::string link;
};

struct ReleaseResult {
  ReleaseOutcome outcome = ReleaseOutcome::failed;
  // Given back to the file system.
  int64_t bytes = 0;
  // With `failed`, and with `missing` if the copy's content is wrong.
  Error error;
};

}  // namespace susten
