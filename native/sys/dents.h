// The directory entries in a buffer that getdents64 filled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace susten {

// One entry, as linux/dirent64 in getdents64(2). Lives as long as the buffer.
struct Dent {
  const char *name = nullptr;  // ends with NUL
  uint8_t type = 0;            // DT_REG and so on; DT_UNKNOWN where the file system doesn't tell
  int64_t next = 0;            // where to lseek to in order to go on behind this entry
  size_t size = 0;             // of the record

  // Whether it is "." or "..".
  [[nodiscard]] bool is_dots() const {
    const std::string_view text(name);
    return text == "." || text == "..";
  }
};

// The entry at the beginning of `record`.
inline Dent read_dent(const char *record) {
  constexpr size_t next_at = 8, size_at = 16, type_at = 18, name_at = 19;
  Dent dent;
  uint16_t size = 0;
  std::memcpy(&dent.next, record + next_at, sizeof dent.next);
  std::memcpy(&size, record + size_at, sizeof size);
  std::memcpy(&dent.type, record + type_at, sizeof dent.type);
  dent.size = size;
  dent.name = record + name_at;
  return dent;
}

}  // namespace susten
