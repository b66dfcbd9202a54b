// Which target directories are known to be reachable after a power cut: each directory above them has been synced
// since they were made.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <utility>

namespace susten {

class Anchored {
 public:
  bool contains(dev_t dev, ino_t ino) {
    const std::lock_guard lock(mutex_);
    return known_.contains({dev, ino});
  }
  void add(dev_t dev, ino_t ino) {
    const std::lock_guard lock(mutex_);
    // Forgetting costs only a few needless syncs.
    if (known_.size() >= kMost) known_.clear();
    known_.insert({dev, ino});
  }

 private:
  static constexpr size_t kMost = 65'536;
  std::mutex mutex_;
  std::set<std::pair<dev_t, ino_t>> known_;
};

}  // namespace susten
