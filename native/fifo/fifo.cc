#include "fifo/fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sys/retry.h"

namespace susten {

Error make_fifo(const std::string &path, mode_t mode) {
  if (::mkfifo(path.c_str(), mode) != 0) return last_error("mkfifo", path);
  return {};
}

Error unread_bytes(int fd, int64_t &bytes) {
  int count = 0;
  if (::ioctl(fd, FIONREAD, &count) != 0) return last_error("ioctl");
  bytes = count;
  return {};
}

Error make_pipe(int &reader, int &writer) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return last_error("pipe2");
  reader = ends[0];
  writer = ends[1];
  return {};
}

Error tee_pipe(int from, int to, size_t most, size_t &bytes) {
  bytes = 0;
  const ssize_t count = retry([&] { return ::tee(from, to, most, SPLICE_F_NONBLOCK); });
  if (count < 0 && errno != EAGAIN) return last_error("tee");
  if (count > 0) bytes = static_cast<size_t>(count);
  return {};
}

Error drop_bytes(int from, int null, size_t most, size_t &bytes) {
  bytes = 0;
  while (bytes < most) {
    const ssize_t count =
        retry([&] { return ::splice(from, nullptr, null, nullptr, most - bytes, SPLICE_F_NONBLOCK); });
    if (count < 0 && errno != EAGAIN) return last_error("splice");
    if (count <= 0) break;
    bytes += static_cast<size_t>(count);
  }
  return {};
}

Error pipe_state(int fd, PipeState &state) {
  struct pollfd polled = {.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
  if (retry([&] { return ::poll(&polled, 1, 0); }) < 0) return last_error("poll");
  state.abandoned = (polled.revents & POLLHUP) != 0;
  state.unheard = (polled.revents & POLLERR) != 0;
  state.full = (polled.revents & POLLOUT) == 0;
  return {};
}

}  // namespace susten
