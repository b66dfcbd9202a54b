// How one file's content and metadata are carried over. Mirrors NativeCopyOptions in lib/native.ts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace susten {

enum class Verify : uint8_t { none, in_line, readback };
enum class Durability : uint8_t { none, batch, each };
enum class Strategy : uint8_t { automatic, reflink, copy_file_range, sendfile, readwrite };
// keep: preserve or fail; attempt: preserve where permitted; off: leave to the system.
enum class Preserve : uint8_t { keep, attempt, off };

// What copies get, whatever the source has.
struct Ownership {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;
  mode_t directory_mode = 0;
};

struct CopyOptions {
  Verify verify = Verify::in_line;
  Durability durability = Durability::batch;
  Strategy strategy = Strategy::automatic;
  Preserve uid = Preserve::keep;
  Preserve gid = Preserve::keep;
  Preserve mode = Preserve::keep;
  Preserve times = Preserve::keep;
  Preserve xattrs = Preserve::off;
  Preserve acls = Preserve::off;
  // Owner and permission bits are kept from here, not from the source.
  std::optional<Ownership> as;
};

}  // namespace susten
