// Waits for what happens at a pipe's reading end, and takes nothing from it.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "sys/error.h"
#include "sys/fd.h"
#include "sys/sys.h"

namespace susten {

// A thread that sleeps in epoll. It is edge-triggered: what lies in the pipe unread for a long time wakes nobody.
class PipeWatch {
 public:
  explicit PipeWatch(Sys &sys) : sys_(sys) {}
  ~PipeWatch() { stop(); }
  PipeWatch(const PipeWatch &) = delete;
  PipeWatch &operator=(const PipeWatch &) = delete;

  // Begins to watch. Told each time that bytes have come, or that the last writer has gone, once for several of these
  // that come together; and at the beginning, if there is either. `on_change` is called on the watch's thread and must
  // not throw. `fd` must stay open until stop() has returned. Call once.
  Error start(int fd, std::function<void()> on_change);
  // Ends the thread; nothing is told after it. May be called again. Not from `on_change`.
  void stop();

 private:
  [[nodiscard]] bool wait_for(int fd, uint32_t events) const;
  void run() const;

  Sys &sys_;
  Fd epoll_;
  Fd stop_;
  std::function<void()> on_change_;
  std::thread thread_;
};

}  // namespace susten
