// The names of unfinished files: `.susten-<id>.tmp`. Walks and watches pass over them.
#pragma once

#include <string_view>

namespace susten {

inline constexpr std::string_view kTempPrefix = ".susten-";
inline constexpr std::string_view kTempSuffix = ".tmp";

// Whether `name` (one component) is that of an unfinished file of ours.
inline bool is_temp_name(std::string_view name) {
  return name.size() > kTempPrefix.size() + kTempSuffix.size() && name.starts_with(kTempPrefix) &&
         name.ends_with(kTempSuffix);
}

}  // namespace susten
