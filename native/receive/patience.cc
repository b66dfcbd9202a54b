#include "receive/patience.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "sys/retry.h"

namespace susten {

namespace {

// Groups that wait to be synced are looked at this often.
constexpr auto kSlice = std::chrono::milliseconds(100);

}  // namespace

Ready Patience::wait(int fd, int16_t events, Clock::time_point until) {
  for (;;) {
    if (cancelled()) return Ready::cancelled;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    const auto slice = std::clamp(left, std::chrono::milliseconds(0), kSlice);
    // A negative descriptor is passed over.
    std::array<pollfd, 2> watched{
        {{.fd = fd, .events = events, .revents = 0}, {.fd = cancel_fd_, .events = POLLIN, .revents = 0}}};
    const int ready = retry([&] { return ::poll(watched.data(), watched.size(), static_cast<int>(slice.count())); });
    if (cancelled()) return Ready::cancelled;
    if (ready > 0 && watched[0].revents != 0) return Ready::yes;
    if (Clock::now() >= until) return Ready::late;
    if (context_.between) context_.between();
  }
}

}  // namespace susten
