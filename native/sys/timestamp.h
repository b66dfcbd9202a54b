// Points in time as nanoseconds.
#pragma once

#include <cstdint>
#include <ctime>
#include <limits>

namespace susten {

// Nanoseconds since the epoch. Users may set any time: all before the year 1677 are one, and all after 2262.
inline int64_t to_ns(const struct timespec &time) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t ns = 0;
  if (__builtin_mul_overflow(static_cast<int64_t>(time.tv_sec), kSecond, &ns) ||
      __builtin_add_overflow(ns, static_cast<int64_t>(time.tv_nsec), &ns)) {
    return time.tv_sec < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  }
  return ns;
}

// By the wall clock that file times are taken from.
inline int64_t now_ns() {
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return to_ns(now);
}

}  // namespace susten
