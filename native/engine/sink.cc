#include "engine/sink.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace susten {

namespace {

constexpr size_t kMostQueued = 16'384;

}  // namespace

void Sink::push(Event event) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return closed_ || queue_.size() < kMostQueued; });
  append(std::move(event), std::move(lock));
}

void Sink::push_now(Event event) { append(std::move(event), std::unique_lock(mutex_)); }

void Sink::append(Event event, std::unique_lock<std::mutex> lock) {
  if (closed_) return;
  queue_.push_back(std::move(event));
  if (awake_) return;
  awake_ = true;
  lock.unlock();
  wake_();
}

bool Sink::take(std::vector<Event> &events, size_t most) {
  const std::lock_guard lock(mutex_);
  const size_t count = std::min(most, queue_.size());
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  events.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  room_.notify_all();
  if (queue_.empty()) awake_ = false;
  return awake_;
}

void Sink::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  queue_.clear();
  room_.notify_all();
}

}  // namespace susten
