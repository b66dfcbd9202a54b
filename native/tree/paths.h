// Paths as text: for messages and for the texts of symbolic links. Never used to decide what may be reached.
#pragma once

#include <string>
#include <string_view>

namespace susten {

// Without ".", "..", doubled and trailing slashes. `path` is absolute.
std::string normalize(std::string_view path);
// `target` as seen from the directory of the link `link`, which is absolute.
std::string resolve_link(std::string_view link, std::string_view target);
// True if `path` is `directory` or lies below it. Both normalized.
bool is_within(std::string_view path, std::string_view directory);

}  // namespace susten
