#include "receive/answer.h"

#include <algorithm>

#include "receive/http_date.h"

namespace susten {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kMostFields = 128;
// More digits than any file is long.
constexpr size_t kMostDigits = 18;
// A second one of these would be another opinion about the same thing.
constexpr std::string_view kSingle[] = {
    "content-length", "content-range", "content-encoding", "transfer-encoding", "etag", "last-modified", "date"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char &c : result) c = lower(c);
  return result;
}

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Digits only: no sign, no blank, no list.
std::optional<int64_t> parse_size(std::string_view text) {
  if (text.empty() || text.size() > kMostDigits || !std::all_of(text.begin(), text.end(), is_digit)) return {};
  int64_t size = 0;
  for (const char digit : text) size = size * 10 + (digit - '0');
  return size;
}

// "HTTP/1.1 200 OK"; some servers leave out the reason and the blank before it.
bool parse_status_line(std::string_view line, int &minor, int &status) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr size_t kMinor = 7, kStatus = 9, kEnd = 12;
  if (line.size() < kEnd || !line.starts_with(kVersion) || line[kMinor + 1] != ' ' || !is_field_value(line)) {
    return false;
  }
  if (line[kMinor] != '0' && line[kMinor] != '1') return false;
  if (line.size() > kEnd && line[kEnd] != ' ') return false;
  const std::optional<int64_t> number = parse_size(line.substr(kStatus, 3));
  if (!number || *number < 100 || *number > 599) return false;
  minor = line[kMinor] - '0';
  status = static_cast<int>(*number);
  return true;
}

// Whether a comma-separated list has the word.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (lower(trim(list.substr(0, comma))) == word) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// One line into `answer`; null, or what is wrong. A line that begins with a blank (folded) has no name.
const char *parse_field(std::string_view line, Answer &answer) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return "field";
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_value(value) || answer.fields.size() == kMostFields) return "field";
  std::string name = lower(line.substr(0, colon));
  for (const std::string_view single : kSingle) {
    if (name == single && answer.find(single) != nullptr) return single.data();
  }
  answer.fields.push_back({.name = std::move(name), .value = std::string(value)});
  return nullptr;
}

}  // namespace

const std::string *find_field(const std::vector<Field> &fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field &field) { return field.name == name; });
  return found == fields.end() ? nullptr : &found->value;
}

bool Answer::is_identity() const {
  const std::string *encoding = find("content-encoding");
  return find("transfer-encoding") == nullptr && (encoding == nullptr || lower(*encoding) == "identity");
}

const char *parse_answer(std::string_view header, Answer &answer) {
  answer = Answer();
  int minor = 0;
  size_t end = header.find(kLineEnd);
  if (end == std::string_view::npos || !parse_status_line(header.substr(0, end), minor, answer.status)) {
    return "status-line";
  }
  for (;;) {
    header.remove_prefix(end + kLineEnd.size());
    end = header.find(kLineEnd);
    if (end == std::string_view::npos) return "field";
    if (end == 0) break;
    if (const char *problem = parse_field(header.substr(0, end), answer)) return problem;
  }
  if (const std::string *length = answer.find("content-length")) {
    answer.content_length = parse_size(*length);
    if (!answer.content_length) return "content-length";
    // Two opinions on where the body ends.
    if (answer.find("transfer-encoding") != nullptr) return "transfer-encoding";
  }
  answer.keeps_alive = minor == 1;
  for (const Field &field : answer.fields) {
    if (field.name == "connection" && lists(field.value, "close")) answer.keeps_alive = false;
  }
  return nullptr;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  constexpr std::string_view kUnit = "bytes ";
  const size_t dash = value.find('-');
  const size_t slash = value.find('/');
  if (!value.starts_with(kUnit) || slash == std::string_view::npos || dash > slash) return {};
  const auto first = parse_size(value.substr(kUnit.size(), dash - kUnit.size()));
  const auto last = parse_size(value.substr(dash + 1, slash - dash - 1));
  const auto whole = parse_size(value.substr(slash + 1));
  if (!first || !last || !whole || *first > *last || *last >= *whole) return {};
  return ContentRange{.first = *first, .last = *last, .whole = *whole};
}

std::string validator_of(const Answer &answer) {
  const std::string *tag = answer.find("etag");
  // A weak tag ("W/…") stays the same through changes that its server calls small.
  if (tag != nullptr) return tag->size() > 2 && tag->front() == '"' && tag->back() == '"' ? *tag : std::string();
  const std::string *modified = answer.find("last-modified");
  const std::string *date = answer.find("date");
  if (modified == nullptr || date == nullptr) return {};
  const std::optional<int64_t> then = parse_http_date(*modified);
  const std::optional<int64_t> now = parse_http_date(*date);
  // Within one second a file may change twice.
  return then && now && *then < *now ? *modified : std::string();
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

}  // namespace susten
