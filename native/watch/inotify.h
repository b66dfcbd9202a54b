// The kernel's inotify instance: one queue of events for many watched directories.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"
#include "sys/sys.h"

namespace susten {

// What happened in or to the watched directory `wd`. See inotify(7).
struct InotifyEvent {
  int wd = -1;  // -1 for IN_Q_OVERFLOW
  uint32_t mask = 0;
  const char *name = "";  // empty where it is about the directory itself; lives until the next read
};

class Inotify {
 public:
  explicit Inotify(Sys &sys) : sys_(sys) {}

  // Fails with the path of the limit to raise if there are too many instances.
  Error open();
  void close() { fd_.reset(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

  // Watches the open directory `dir` and returns its watch descriptor, or -1 and errno. A directory that is watched
  // already keeps its number, under whatever name it was opened: that is how directories are recognised. Numbers aren't
  // used again (not before 2^31 others).
  int add(int dir);
  void remove(int wd);

  // Reads what is queued, up to a buffer's size, without waiting. `taken`: bytes of the queue that it took.
  Error read(std::vector<InotifyEvent> &events, size_t &taken);
  // Bytes in the queue.
  [[nodiscard]] size_t queued() const;

 private:
  Sys &sys_;
  Fd fd_;
  std::vector<char> buffer_;
};

}  // namespace susten
