// Collects events and hands them on in bounded portions.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "sys/error.h"
#include "watch/watcher.h"

namespace susten {

class Outbox {
 public:
  explicit Outbox(Watcher::Sink sink) : sink_(std::move(sink)) {}

  void push(WatchKind kind, std::string name, Error error = {}) {
    bytes_ += name.size();
    events_.push_back({kind, std::move(name), std::move(error)});
    if (events_.size() >= Watcher::kMaxEvents || bytes_ >= kMaxBytes) flush();
  }

  // Waits as long as the sink does.
  void flush() {
    if (events_.empty()) return;
    bytes_ = 0;
    sink_(std::exchange(events_, {}));
  }

 private:
  // Of names in one portion, since a hostile one may be as long as the tree is deep.
  static constexpr size_t kMaxBytes = 1024 * 1024;

  Watcher::Sink sink_;
  std::vector<WatchEvent> events_;
  size_t bytes_ = 0;
};

}  // namespace susten
