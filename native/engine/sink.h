// Gathers events from all workers and hands them to the owner's thread in batches: one wake for many events.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "engine/events.h"

namespace susten {

class Sink {
 public:
  // `wake` asks the owner to call take(); it is called with no lock held, once until take() has emptied the queue.
  explicit Sink(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Waits while the owner is far behind, so that a blocked event loop doesn't fill the memory. Not for the owner's own
  // thread.
  void push(Event event);
  // As one: the owner is woken once for all.
  void push_all(std::vector<Event> events);
  // Never waits: for the few events that end something, and for the owner's thread.
  void push_now(Event event);
  // Up to `most` events, in order. True: there are more, call again soon. Only for the owner's thread.
  bool take(std::vector<Event> &events, size_t most);
  // The owner is gone: events are dropped from now on and nobody waits.
  void close();

 private:
  void push_waiting(std::span<Event> events);
  void append(std::span<Event> events, std::unique_lock<std::mutex> lock);

  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Event> queue_;
  // Taken out as a whole, so that the lock is held for a moment only; those before `given_` were given to the owner.
  std::vector<Event> taken_;
  size_t given_ = 0;
  bool awake_ = false;
  bool closed_ = false;
};

}  // namespace susten
