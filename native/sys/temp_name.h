// The names of unfinished files: `.susten-<id>.tmp`. Walks and watches pass over them.
#pragma once

#include <string_view>

namespace susten {

inline constexpr std::string_view temp_prefix = ".susten-";
inline constexpr std::string_view temp_suffix = ".tmp";

// Whether `name` (one component) is that of an unfinished file of ours.
inline bool is_temp_name(std::string_view name) {
  return name.size() > temp_prefix.size() + temp_suffix.size() && name.starts_with(temp_prefix) &&
         name.ends_with(temp_suffix);
}

}  // namespace susten
