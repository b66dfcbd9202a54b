// Repeats a system call that a signal interrupted. Everything else is the caller's to judge.
#pragma once

#include <cerrno>
#include <type_traits>

namespace susten {

// A signal storm must not become an endless loop.
inline constexpr int kInterruptLimit = 1000;

template <typename Call>
auto retry(Call call) -> std::invoke_result_t<Call> {
  for (int tries = 0;; ++tries) {
    const auto result = call();
    if (result >= 0 || errno != EINTR || tries == kInterruptLimit) return result;
  }
}

}  // namespace susten
