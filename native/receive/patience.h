// How a worker waits for a server: never without an end, never deaf to a cancel, never holding up what is to be synced.
#pragma once

#include <chrono>
#include <cstdint>

#include "copy/context.h"

namespace susten {

using Clock = std::chrono::steady_clock;

enum class Ready : uint8_t { yes, late, cancelled };

class Patience {
 public:
  // `cancel_fd` becomes readable when the job is cancelled; -1: only the flag tells.
  Patience(Context &context, int cancel_fd) : context_(context), cancel_fd_(cancel_fd) {}

  // Waits until `fd` is ready for `events` (of poll), but not beyond `until`. Looks at it at least once.
  // Meanwhile `context.between` may be called.
  Ready wait(int fd, int16_t events, Clock::time_point until);
  // Waits for nothing but the time, or a cancel.
  void pause(Clock::duration time) { wait(-1, 0, Clock::now() + time); }
  [[nodiscard]] bool cancelled() const { return context_.cancelled.load(std::memory_order_relaxed); }

 private:
  Context &context_;
  int cancel_fd_;
};

}  // namespace susten
