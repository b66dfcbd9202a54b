// The header of an HTTP/1.1 answer, read strictly (RFC 9112): what isn't as it must be is refused, never guessed at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace susten {

// Longer headers are refused. As long as Node's own limit.
inline constexpr size_t kMostHeader = size_t{16} * 1024;

struct Field {
  // In lower case.
  std::string name;
  std::string value;
};

// The first one of that name; null if there is none.
const std::string *find_field(const std::vector<Field> &fields, std::string_view name);

struct Answer {
  int status = 0;
  std::vector<Field> fields;
  std::optional<int64_t> content_length;
  // The server may be asked again on the same connection, once the body is through.
  bool keeps_alive = false;

  [[nodiscard]] const std::string *find(std::string_view name) const { return find_field(fields, name); }
  // Nobody has wrapped the body, or cut it into chunks.
  [[nodiscard]] bool is_identity() const;
};

// Reads a header, up to and with its empty line. Null, or the part that is wrong: a literal.
const char *parse_answer(std::string_view header, Answer &answer);

// What `Content-Range: bytes first-last/whole` says.
struct ContentRange {
  int64_t first = 0;
  int64_t last = 0;
  int64_t whole = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view value);

// What a later request for the rest can be tied to, so that both parts are of one version: a strong entity tag, or the
// time of the last change where it can't be an ambiguous one (RFC 9110, 8.8). Empty if there is neither.
std::string validator_of(const Answer &answer);

// Whether it is a token, as names of fields are.
bool is_token(std::string_view text);
// Whether it may be the value of a field: no control characters but tabs.
bool is_field_value(std::string_view text);

}  // namespace susten
