#include "fifo/pipe_watch.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace susten {

Error PipeWatch::start(int fd, std::function<void()> on_change) {
  on_change_ = std::move(on_change);
  stop_ = Fd(sys_, ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_) return last_error("eventfd");
  epoll_ = Fd(sys_, ::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_ || !wait_for(stop_.get(), EPOLLIN) || !wait_for(fd, EPOLLIN | EPOLLET)) return last_error("epoll_ctl");
  // Signals are for the threads that expect them.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  Error error;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error &problem) {
    errno = problem.code().value();
    error = last_error("pthread_create");
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  return error;
}

void PipeWatch::stop() {
  if (!thread_.joinable()) return;
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
  epoll_.reset();
  stop_.reset();
}

bool PipeWatch::wait_for(int fd, uint32_t events) const {
  struct epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void PipeWatch::run() const {
  pthread_setname_np(pthread_self(), "susten-pipe");
  while (true) {
    struct epoll_event event = {};
    const int count = ::epoll_wait(epoll_.get(), &event, 1, -1);
    if (count < 0 && errno != EINTR) return;
    if (count <= 0) continue;
    if (event.data.fd == stop_.get()) return;
    on_change_();
  }
}

}  // namespace susten
