#include "sys/read_link.h"

#include <array>
#include <climits>

#include "sys/retry.h"

namespace susten {

bool read_link(Sys &sys, int dir, const std::string &name, std::string &text) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = retry([&] { return sys.readlinkat(dir, name.c_str(), buffer.data(), buffer.size()); });
  if (size < 0) return false;
  text.assign(buffer.data(), static_cast<size_t>(size));
  return true;
}

}  // namespace susten
