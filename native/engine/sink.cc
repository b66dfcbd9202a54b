#include "engine/sink.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace susten {

namespace {

constexpr size_t kMostQueued = 16'384;

}  // namespace

void Sink::push(Event event) { push_waiting({&event, 1}); }

void Sink::push_all(std::vector<Event> events) {
  if (!events.empty()) push_waiting(events);
}

void Sink::push_now(Event event) { append({&event, 1}, std::unique_lock(mutex_)); }

void Sink::push_waiting(std::span<Event> events) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return closed_ || queue_.size() < kMostQueued; });
  append(events, std::move(lock));
}

void Sink::append(std::span<Event> events, std::unique_lock<std::mutex> lock) {
  if (closed_) return;
  std::ranges::move(events, std::back_inserter(queue_));
  if (awake_) return;
  awake_ = true;
  lock.unlock();
  wake_();
}

bool Sink::take(std::vector<Event> &events, size_t most) {
  events.clear();
  if (given_ == taken_.size()) {
    taken_.clear();
    given_ = 0;
    {
      const std::lock_guard lock(mutex_);
      taken_.swap(queue_);
    }
    room_.notify_all();
  }
  const size_t count = std::min(most, taken_.size() - given_);
  const auto begin = taken_.begin() + static_cast<std::ptrdiff_t>(given_);
  std::move(begin, begin + static_cast<std::ptrdiff_t>(count), std::back_inserter(events));
  given_ += count;
  if (given_ < taken_.size()) return true;
  const std::lock_guard lock(mutex_);
  awake_ = !queue_.empty();
  return awake_;
}

void Sink::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  queue_.clear();
  room_.notify_all();
}

}  // namespace susten
