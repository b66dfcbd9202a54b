#include "tree/paths.h"

#include <algorithm>

namespace susten {

std::string normalize(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      out.resize(out.empty() ? 0 : out.rfind('/'));
      continue;
    }
    out.append(1, '/').append(part);
  }
  return out.empty() ? std::string(1, '/') : out;
}

std::string resolve_link(std::string_view link, std::string_view target) {
  if (target.starts_with('/')) return normalize(target);
  std::string path(link.substr(0, link.rfind('/') + 1));
  path.append(target);
  return normalize(path);
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace susten
