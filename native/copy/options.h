// How one file's content and metadata are carried over. Mirrors NativeCopyOptions in lib/native.ts.
#pragma once

#include <cstdint>

namespace susten {

enum class Verify : uint8_t { none, in_line, readback };
enum class Durability : uint8_t { none, batch, each };
enum class Strategy : uint8_t { automatic, reflink, copy_file_range, sendfile, readwrite };
// keep: preserve or fail; attempt: preserve where permitted; off: leave to the system.
enum class Preserve : uint8_t { keep, attempt, off };

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
};

}  // namespace susten
