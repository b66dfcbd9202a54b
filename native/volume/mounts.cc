#include "volume/mounts.h"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <vector>

#include "sys/fd.h"
#include "sys/retry.h"

namespace susten {
namespace {

constexpr const char *kTable = "/proc/thread-self/mountinfo";
constexpr size_t kChunk = 32 * 1024;

// Takes the next field off `line`. Fields are separated by exactly one blank; an empty source makes an empty field.
bool take_field(std::string_view &line, std::string_view &field) {
  if (line.data() == nullptr) return false;
  const size_t blank = line.find(' ');
  field = line.substr(0, blank);
  line = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  return true;
}

bool is_octal(char digit) { return digit >= '0' && digit <= '7'; }

// Blank, tab, newline, backslash and hash are written as backslash and three octal digits.
std::string unescape(std::string_view field) {
  std::string text;
  text.reserve(field.size());
  for (size_t i = 0; i < field.size(); ++i) {
    const bool escape = field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) && is_octal(field[i + 2]) &&
                        is_octal(field[i + 3]);
    if (!escape) {
      text += field[i];
      continue;
    }
    text += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
    i += 3;
  }
  return text;
}

bool parse_number(std::string_view text, uint64_t &number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size();
}

// Calls `line` for each line of a file of /proc until it returns true.
template <typename Line>
Error read_lines(Sys &sys, const std::string &path, Line line) {
  Fd file(sys, retry([&] { return sys.open(path.c_str(), O_RDONLY | O_CLOEXEC, 0); }));
  if (!file) return last_error("open", path);
  std::vector<char> buffer(kChunk);
  std::string rest;
  for (;;) {
    const ssize_t size = retry([&] { return sys.read(file.get(), buffer.data(), buffer.size()); });
    if (size < 0) return last_error("read", path);
    if (size == 0) break;
    rest.append(buffer.data(), static_cast<size_t>(size));
    size_t begin = 0;
    for (size_t end = 0; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
      if (line(std::string_view(rest).substr(begin, end - begin))) return {};
    }
    rest.erase(0, begin);
  }
  return {};
}

}  // namespace

Error read_mount_id(Sys &sys, int fd, uint64_t &id) {
  // Not statx: its STATX_MNT_ID is missing before kernel 5.8, this is not.
  const std::string path = "/proc/thread-self/fdinfo/" + std::to_string(fd);
  bool found = false;
  Error error = read_lines(sys, path, [&](std::string_view line) {
    constexpr std::string_view key = "mnt_id:";
    if (!line.starts_with(key)) return false;
    line.remove_prefix(std::min(line.find_first_not_of(" \t", key.size()), line.size()));
    found = parse_number(line, id);
    return true;
  });
  if (error.failed() || found) return error;
  errno = ENODATA;
  return last_error("read", path);
}

Error find_mount(Sys &sys, uint64_t id, bool &found, Mount &mount) {
  found = false;
  const std::string key = std::to_string(id) + ' ';
  // Before kernel 5.8 a line could be passed over while other mounts came and went: look twice.
  for (int tries = 0; tries < 2 && !found; ++tries) {
    Error error = read_lines(sys, kTable, [&](std::string_view line) {
      found = line.starts_with(key) && parse_mount(line, mount);
      return found;
    });
    if (error.failed()) return error;
  }
  return {};
}

bool parse_mount(std::string_view line, Mount &mount) {
  // id parent major:minor root point options [tag…] - type source options
  std::string_view id, parent, device, root, point, options, field, type, source;
  if (!take_field(line, id) || !take_field(line, parent) || !take_field(line, device) || !take_field(line, root) ||
      !take_field(line, point) || !take_field(line, options)) {
    return false;
  }
  do {
    if (!take_field(line, field)) return false;
  } while (field != "-");
  if (!take_field(line, type) || !take_field(line, source) || !take_field(line, options)) return false;
  if (!parse_number(id, mount.id)) return false;
  mount.root = unescape(root);
  mount.point = unescape(point);
  mount.type = unescape(type);
  mount.source = unescape(source);
  mount.options = unescape(options);
  return true;
}

}  // namespace susten
