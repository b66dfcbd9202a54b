// Directories that something is known of. Bounded: forgetting one only costs doing something needless again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <utility>

namespace susten {

class DirectorySet {
 public:
  bool contains(dev_t dev, ino_t ino) {
    const std::lock_guard lock(mutex_);
    return known_.contains({dev, ino});
  }
  // True if it is new.
  bool add(dev_t dev, ino_t ino) {
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kMost) known_.clear();
    return known_.insert({dev, ino}).second;
  }

 private:
  static constexpr size_t kMost = 65'536;
  std::mutex mutex_;
  std::set<std::pair<dev_t, ino_t>> known_;
};

}  // namespace susten
