// Points in time as HTTP writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace susten {

// Seconds since the epoch of "Sun, 06 Nov 1994 08:49:37 GMT", the one format that servers may send (RFC 9110, 5.6.7).
// Nothing for another text, and for a year before 1970 or after 2200.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace susten
