#include "receive/connections.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "sys/retry.h"

namespace susten {

namespace {

constexpr size_t kMostIdle = 32;
constexpr auto kLongestIdle = std::chrono::seconds(15);

// The kernel counts twice as much, half of it for its own records.
constexpr int kReceiveBuffer = 4 * 1024 * 1024;
// Of a connection that waits for its next request: nothing should come.
constexpr int kIdleBuffer = 16 * 1024;

// How large a buffer whoever has no privilege may ask for; 0 if it isn't known.
long largest_receive_buffer(Sys &sys) {
  const Fd fd(sys, retry([&] { return sys.open("/proc/sys/net/core/rmem_max", O_RDONLY | O_CLOEXEC, 0); }));
  std::array<char, 32> text{};
  if (!fd || retry([&] { return sys.read(fd.get(), text.data(), text.size() - 1); }) <= 0) return 0;
  return std::strtol(text.data(), nullptr, 10);
}

bool set_receive_buffer(int fd, int option, int size) {
  return ::setsockopt(fd, SOL_SOCKET, option, &size, sizeof size) == 0;
}

// The kernel's own sizing goes by the time of a round trip, which on a short way is next to nothing: the buffer stays
// small, and the server is stopped and woken many times a file. Beyond what the process may ask for a size would become
// a limit, and a low one: then it is left to the kernel, and false.
bool make_roomy(Sys &sys, int fd) {
  if (set_receive_buffer(fd, SO_RCVBUFFORCE, kReceiveBuffer)) return true;
  return largest_receive_buffer(sys) >= kReceiveBuffer && set_receive_buffer(fd, SO_RCVBUF, kReceiveBuffer);
}

// Of one that was made roomy, so that either option does it.
void resize(const Connection &connection, int size) {
  if (!connection.is_roomy || set_receive_buffer(connection.fd.get(), SO_RCVBUFFORCE, size)) return;
  set_receive_buffer(connection.fd.get(), SO_RCVBUF, size);
}

Failure connect_one(Sys &sys, const Address &address, Patience &patience, std::chrono::milliseconds timeout,
                    Connection &connection) {
  Fd &fd = connection.fd;
  const auto fail = [](const char *syscall) { return Failure{.number = errno, .syscall = syscall}; };
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  fd = Fd(sys, ::socket(address.storage.ss_family, type, 0));
  if (!fd) return fail("socket");
  // Only before the connection is made does the size count for the window's scale.
  connection.is_roomy = make_roomy(sys, fd.get());
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto *to = reinterpret_cast<const struct sockaddr *>(&address.storage);
  if (::connect(fd.get(), to, address.size) == 0) return {};
  // Interrupted, it goes on like one that was never waited for.
  if (errno != EINPROGRESS && errno != EINTR) return fail("connect");
  switch (patience.wait(fd.get(), POLLOUT, Clock::now() + timeout)) {
    case Ready::cancelled:
      return {.code = "ABORT_ERR", .syscall = "connect"};
    case Ready::late:
      return {.number = ETIMEDOUT, .syscall = "connect"};
    case Ready::yes:
      break;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return fail("getsockopt");
  return {.number = error, .syscall = "connect"};
}

}  // namespace

std::optional<Connection> Connections::take(const Server &server) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  std::erase_if(idle_, [&](const Connection &idle) { return now - idle.since > kLongestIdle; });
  // The one that was used last is the most likely to be open still.
  for (size_t i = idle_.size(); i-- > 0;) {
    const auto &addresses = server.addresses;
    if (std::find(addresses.begin(), addresses.end(), idle_[i].address) == addresses.end()) continue;
    Connection taken = std::move(idle_[i]);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    // Closed meanwhile, or it says what nobody asked for.
    if (peek(taken) != Arrived::nothing) continue;
    resize(taken, kReceiveBuffer);
    return taken;
  }
  return std::nullopt;
}

void Connections::keep(Connection connection) {
  connection.is_used = true;
  // A server that speaks out of turn must not fill the kernel's memory.
  resize(connection, kIdleBuffer);
  connection.since = Clock::now();
  const std::lock_guard lock(mutex_);
  if (idle_.size() >= kMostIdle) idle_.erase(idle_.begin());
  idle_.push_back(std::move(connection));
}

void Connections::clear() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

Failure connect_to(Sys &sys, const Server &server, Patience &patience, std::chrono::milliseconds timeout,
                   Connection &connection) {
  Failure failure{.number = EDESTADDRREQ, .syscall = "connect"};
  for (const Address &address : server.addresses) {
    connection = Connection{.fd = {}, .address = address, .is_used = false, .is_roomy = false, .since = {}};
    failure = connect_one(sys, address, patience, timeout, connection);
    if (!failure.failed() || patience.cancelled()) return failure;
  }
  return failure;
}

Failure send_all(const Connection &connection, std::string_view text, Patience &patience, Clock::time_point until) {
  while (!text.empty()) {
    const ssize_t sent = retry([&] { return ::send(connection.fd.get(), text.data(), text.size(), MSG_NOSIGNAL); });
    if (sent >= 0) {
      text.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno != EAGAIN) return {.number = errno, .syscall = "send"};
    const Ready ready = patience.wait(connection.fd.get(), POLLOUT, until);
    if (ready == Ready::cancelled) return {.code = "ABORT_ERR", .syscall = "send"};
    if (ready == Ready::late) return {.number = ETIMEDOUT, .syscall = "send"};
  }
  return {};
}

Arrived receive_some(const Connection &connection, void *buffer, size_t room, size_t &got) {
  const ssize_t count = retry([&] { return ::recv(connection.fd.get(), buffer, room, 0); });
  got = count > 0 ? static_cast<size_t>(count) : 0;
  if (count > 0) return Arrived::data;
  if (count == 0) return Arrived::end;
  return errno == EAGAIN ? Arrived::nothing : Arrived::error;
}

Arrived peek(const Connection &connection) {
  char byte = 0;
  const ssize_t count = retry([&] { return ::recv(connection.fd.get(), &byte, 1, MSG_PEEK); });
  if (count > 0) return Arrived::data;
  if (count == 0) return Arrived::end;
  return errno == EAGAIN ? Arrived::nothing : Arrived::error;
}

}  // namespace susten
