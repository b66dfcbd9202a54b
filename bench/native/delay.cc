// Carries packets from one network namespace to another, so much later:  delay MICROSECONDS FROM TO DEVICE
//
// FROM and TO are paths of namespaces (as in /run/netns). In each a TUN device of that name is made, which lasts as
// long as this program. What is routed to FROM's comes out of TO's. Prints "ready" when the devices are there. For
// kernels without netem: one way is enough to make a round trip longer, and that of the acknowledgements is the cheap
// one.

#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargest = 65536;
// Beyond it packets are lost, as on a real link.
constexpr std::size_t kMostWaiting = 16384;

struct Packet {
  Clock::time_point due;
  std::vector<char> bytes;
};

int open_device(const char *name_space, const char *device) {
  const int place = open(name_space, O_RDONLY | O_CLOEXEC);
  if (place < 0) err(1, "open %s", name_space);
  if (setns(place, CLONE_NEWNET) != 0) err(1, "setns %s", name_space);
  close(place);
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) err(1, "open /dev/net/tun");
  struct ifreq request = {};
  std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(fd, TUNSETIFF, &request) != 0) err(1, "TUNSETIFF %s", device);
  return fd;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 5) errx(2, "usage: delay MICROSECONDS FROM TO DEVICE");
  const std::chrono::microseconds delay(std::strtol(argv[1], nullptr, 10));
  const int from = open_device(argv[2], argv[4]);
  const int to = open_device(argv[3], argv[4]);
  // A nanosecond: the default lets the kernel wake us 50 µs late.
  prctl(PR_SET_TIMERSLACK, 1UL);
  std::printf("ready\n");
  std::fflush(stdout);

  std::deque<Packet> waiting;
  std::array<char, kLargest> buffer{};
  for (;;) {
    for (;;) {
      const ssize_t got = read(from, buffer.data(), buffer.size());
      if (got <= 0) break;
      if (waiting.size() < kMostWaiting)
        waiting.push_back({Clock::now() + delay, {buffer.data(), buffer.data() + got}});
    }
    while (!waiting.empty() && waiting.front().due <= Clock::now()) {
      const std::vector<char> &bytes = waiting.front().bytes;
      // What the other side doesn't take is lost.
      if (write(to, bytes.data(), bytes.size()) < 0 && errno != EAGAIN && errno != EIO) err(1, "write");
      waiting.pop_front();
    }
    struct timespec left = {};
    if (!waiting.empty()) {
      const auto until = std::chrono::duration_cast<std::chrono::nanoseconds>(waiting.front().due - Clock::now());
      left.tv_nsec = until.count() > 0 ? until.count() : 0;
    }
    struct pollfd watched = {.fd = from, .events = POLLIN, .revents = 0};
    if (ppoll(&watched, 1, waiting.empty() ? nullptr : &left, nullptr) < 0 && errno != EINTR) err(1, "poll");
  }
}
