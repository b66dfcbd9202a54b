// Gives a finished temp file its final name: atomically, and never over content that must be kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "commit/temp.h"
#include "copy/context.h"

namespace susten {

// What to do when the name is taken. See `Existing` in lib/native.ts.
enum class Existing : uint8_t { replace, refuse, skip, version };
enum class Outcome : uint8_t { created, replaced, unchanged, versioned, skipped, failed };

// What of ours may stand under the name: an earlier copy of this size and mtime, or a link with this text.
struct Expected {
  static constexpr int64_t kNone = -1;
  int64_t size = kNone;
  int64_t mtime_ns = 0;
  std::string link{};
};

struct Placement {
  Outcome outcome = Outcome::failed;
  // With `versioned`: the name that the older content has now.
  std::string version;
  int number = 0;
  const char *code = "";
  const char *syscall = "";
};

// `size` is the temp file's. After `failed` the temp file still belongs to `temp`.
Placement place(Context &context, const DirectoryRef &directory, Temp &temp, const std::string &name, Existing existing,
                const std::optional<Expected> &expected, int64_t size);

// The name for a version after `tries` were taken: "name.~1~", "name.~2~" and so on; where very many are taken,
// "name.~N~" with a random N of 16 hex digits. Cut so that it fits into 255 bytes.
std::string version_name(const std::string &name, unsigned tries);

}  // namespace susten
