#include "jobs/roots.h"

#include <fcntl.h>

#include "sys/retry.h"
#include "volume/volume.h"

namespace susten {

Fd open_root(Sys &sys, const std::string &path, const std::string &identity, Error &failure) {
  Fd root(sys, retry([&] { return sys.open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); }));
  if (!root) {
    failure = last_error("open", path);
    return {};
  }
  if (identity.empty()) return root;
  std::string found;
  failure = read_identity(sys, root.get(), found);
  if (failure.failed()) return {};
  if (found == identity) return root;
  failure = {.number = 0, .code = "ERR_SUSTEN_STORAGE", .syscall = "open", .path = path, .dest = {}};
  return {};
}

SplitPath split_path(const std::string &path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace susten
