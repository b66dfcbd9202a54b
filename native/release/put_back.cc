#include "release/put_back.h"

#include <linux/fs.h>

#include <array>
#include <cerrno>
#include <climits>

#include "commit/place.h"
#include "sys/read_link.h"
#include "sys/retry.h"

namespace susten {

namespace {

constexpr int kRaceLimit = 16;
constexpr unsigned kVersionTries = 272;
constexpr int kRemoveTries = 3;

class PuttingBack {
 public:
  PuttingBack(Sys &sys, int dir, int hiding, const std::string &name, const std::string *link)
      : sys_(sys), dir_(dir), hiding_(hiding), name_(name), link_(link) {}

  int run() {
    // Others may take or free the name between two steps: look again, a bounded number of times.
    // So does a failure: it may be gone the next time.
    for (int tries = 0; tries < kRaceLimit; ++tries) {
      const int error = rename(name_, RENAME_NOREPLACE);
      if (error == 0) return 0;
      const int is_ours = error == EEXIST ? is_our_link(dir_) : -1;
      if (is_ours == 0) return keep_beside();
      if (is_ours < 0 || rename(name_, RENAME_EXCHANGE) != 0) continue;
      if (is_our_link(hiding_) > 0) {
        remove_hidden(sys_, hiding_, name_);
        return 0;
      }
      // Somebody took the link's place in the last moment, and gets it again. If that fails it is theirs that is put
      // away now, and treated likewise.
      rename(name_, RENAME_EXCHANGE);
    }
    return keep_beside();
  }

 private:
  int rename(const std::string &to, unsigned flags) {
    return retry([&] { return sys_.renameat2(hiding_, name_.c_str(), dir_, to.c_str(), flags); }) == 0 ? 0 : errno;
  }

  // 1: yes; 0: no; -1: nothing is there, or it can't be looked at.
  int is_our_link(int dir) {
    std::string text;
    if (read_link(sys_, dir, name_, text)) return link_ == nullptr || text == *link_ ? 1 : 0;
    return errno == EINVAL ? 0 : -1;
  }

  int keep_beside() {
    int error = EEXIST;
    for (unsigned tries = 0; tries < kVersionTries && error == EEXIST; ++tries) {
      error = rename(version_name(name_, tries), RENAME_NOREPLACE);
    }
    return error;
  }

  Sys &sys_;
  int dir_;
  int hiding_;
  const std::string &name_;
  const std::string *link_;
};

}  // namespace

int put_back(Sys &sys, int dir, int hiding, const std::string &name, const std::string *link) {
  return PuttingBack(sys, dir, hiding, name, link).run();
}

int remove_hidden(Sys &sys, int hiding, const std::string &name, int flags) {
  for (int tries = 1;; ++tries) {
    if (retry([&] { return sys.unlinkat(hiding, name.c_str(), flags); }) == 0) return 0;
    if (errno == ENOENT || errno == ENOTEMPTY || tries == kRemoveTries) return errno;
  }
}

}  // namespace susten
