// Lists of files as they cross the border: all names in one text, all numbers in one block. Mirrors lib/packed.ts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/copy_job.h"
#include "release/request.h"

namespace susten {

struct PackedFiles {
  // One after the other.
  std::string_view names;
  std::span<const uint32_t> lengths;
  // One number a file: what is said of it.
  std::span<const uint8_t> flags;
  // Eight bytes each: sizes are doubles, all else are 64-bit integers.
  std::span<const int64_t> numbers;
};

// False for a list that hasn't exactly what its flags say.
bool unpack_copies(const PackedFiles &packed, std::vector<CopyRequest::File> &files);
bool unpack_releases(const PackedFiles &packed, std::vector<ReleaseFile> &files);

}  // namespace susten
