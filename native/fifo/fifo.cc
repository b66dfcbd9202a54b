#include "fifo/fifo.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

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

}  // namespace susten
