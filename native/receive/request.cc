#include "receive/request.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace susten {

bool is_request_target(const std::string &text) {
  const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
  constexpr size_t kLongest = 8192;
  return text.starts_with('/') && text.size() <= kLongest && std::all_of(text.begin(), text.end(), is_visible);
}

bool is_free_field(const std::string &name, const std::string &value) {
  static constexpr std::array<std::string_view, 14> kOurs = {
      "host",    "connection", "keep-alive", "content-length",  "transfer-encoding", "te",      "trailer", "expect",
      "upgrade", "range",      "if-range",   "accept-encoding", "accept-ranges",     "if-match"};
  if (!is_token(name) || !is_field_value(value)) return false;
  std::string lower = name;
  for (char &c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return !lower.starts_with("if-") && std::find(kOurs.begin(), kOurs.end(), lower) == kOurs.end();
}

std::string request_text(const ReceiveOptions &options, const ReceiveFile &file, const std::optional<Rest> &rest) {
  std::string text = "GET " + file.target + " HTTP/1.1\r\nHost: " + options.server.authority +
                     "\r\nAccept-Encoding: identity\r\n" + options.fields;
  if (rest) {
    text += "Range: bytes=" + std::to_string(rest->from) + "-\r\nIf-Range: " + rest->validator + "\r\n";
  }
  return text + "\r\n";
}

}  // namespace susten
