#include "watch/inotify.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "sys/retry.h"

namespace susten {
namespace {

constexpr size_t kBuffer = 64 * 1024;
// IN_MASK_ADD matters where a directory is watched already: without it the kernel clears the mask for a moment, and
// what happens in that moment isn't reported. So the mask is the same for all directories.
constexpr uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF |
                           IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD;

}  // namespace

Error Inotify::open() {
  fd_ = Fd(sys_, ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (fd_) return {};
  return last_error("inotify_init1", errno == EMFILE ? "/proc/sys/fs/inotify/max_user_instances" : "");
}

int Inotify::add(int dir) {
  // inotify takes paths only. This one leads to the open directory itself, wherever it is and whatever took its name.
  const std::string path = "/proc/self/fd/" + std::to_string(dir);
  return retry([&] { return ::inotify_add_watch(fd_.get(), path.c_str(), kMask); });
}

void Inotify::remove(int wd) { ::inotify_rm_watch(fd_.get(), wd); }

size_t Inotify::queued() const {
  int bytes = 0;
  return ::ioctl(fd_.get(), FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

Error Inotify::read(std::vector<InotifyEvent> &events, size_t &taken) {
  events.clear();
  taken = 0;
  buffer_.resize(kBuffer);
  const ssize_t got = retry([&] { return sys_.read(fd_.get(), buffer_.data(), buffer_.size()); });
  if (got < 0 && errno != EAGAIN) return last_error("read", "inotify");
  if (got > 0) taken = static_cast<size_t>(got);
  for (ssize_t at = 0; at < got;) {
    struct inotify_event raw;
    std::memcpy(&raw, buffer_.data() + at, sizeof raw);
    events.push_back({raw.wd, raw.mask, raw.len > 0 ? buffer_.data() + at + sizeof raw : ""});
    at += static_cast<ssize_t>(sizeof raw + raw.len);
  }
  return {};
}

}  // namespace susten
