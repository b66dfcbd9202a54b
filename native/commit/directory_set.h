// Directories that something is known of. Bounded: forgetting one only costs doing something needless again.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "sys/retry.h"
#include "sys/sys.h"
#include "sys/timestamp.h"

namespace susten {

class DirectorySet {
 public:
  // Whether it is this very directory that was added, and not one made later that got the same number.
  bool contains(Sys &sys, int fd, dev_t dev, ino_t ino) {
    int64_t born = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = known_.find({dev, ino});
      if (found == known_.end()) return false;
      born = found->second;
    }
    return born == birth(sys, fd);
  }
  // True if it is new.
  bool add(Sys &sys, int fd, dev_t dev, ino_t ino) {
    const int64_t born = birth(sys, fd);
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kMost) known_.clear();
    const auto [found, is_new] = known_.try_emplace({dev, ino}, born);
    return is_new || std::exchange(found->second, born) != born;
  }

 private:
  // 0: the file system doesn't tell.
  static int64_t birth(Sys &sys, int fd) {
    struct statx st {};
    if (retry([&] { return sys.fstatx(fd, STATX_BTIME, &st); }) != 0 || (st.stx_mask & STATX_BTIME) == 0) return 0;
    return to_ns({.tv_sec = st.stx_btime.tv_sec, .tv_nsec = st.stx_btime.tv_nsec});
  }

  static constexpr size_t kMost = 65'536;
  std::mutex mutex_;
  std::map<std::pair<dev_t, ino_t>, int64_t> known_;
};

}  // namespace susten
