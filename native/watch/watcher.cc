#include "watch/watcher.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "sys/fd.h"
#include "sys/retry.h"
#include "watch/follower.h"
#include "watch/inotify.h"
#include "watch/outbox.h"

namespace susten {

class Watcher::Impl {
 public:
  Impl(Sys &sys, std::string root, Sink sink)
      : sys_(sys),
        root_(std::move(root)),
        inotify_(sys),
        outbox_(std::move(sink)),
        follower_(sys, root_, inotify_, outbox_, stopping_) {}
  ~Impl() { stop(); }
  Impl(const Impl &) = delete;
  Impl &operator=(const Impl &) = delete;

  Error start() {
    Error error = open();
    if (error.failed()) return error;
    // Signals are for the threads that expect them.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error &problem) {
      errno = problem.code().value();
      error = last_error("pthread_create", root_);
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return error;
  }

  void mark() {
    marks_.fetch_add(1);
    wake();
  }

  void stop() {
    if (!thread_.joinable()) return;
    stopping_.store(true);
    wake();
    thread_.join();
    // Now, not when JavaScript's garbage is collected.
    inotify_.close();
    epoll_.reset();
    mounts_.reset();
    wake_.reset();
  }

 private:
  Error open() {
    Error error = inotify_.open();
    if (error.failed()) return error;
    wake_ = Fd(sys_, ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) return last_error("eventfd", root_);
    // Tells when something is mounted or unmounted, by POLLPRI; see proc_pid_mounts(5).
    constexpr const char *mounts = "/proc/self/mounts";
    mounts_ = Fd(sys_, retry([&] { return sys_.open(mounts, O_RDONLY | O_CLOEXEC, 0); }));
    if (!mounts_) return last_error("open", mounts);
    epoll_ = Fd(sys_, ::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_ || !wait_for(wake_.get(), EPOLLIN) || !wait_for(inotify_.fd(), EPOLLIN) ||
        !wait_for(mounts_.get(), EPOLLPRI)) {
      return last_error("epoll_ctl", root_);
    }
    return follower_.start();
  }

  void wake() {
    const uint64_t one = 1;
    retry([&] { return ::write(wake_.get(), &one, sizeof one); });
  }

  bool wait_for(int fd, uint32_t events) {
    struct epoll_event event = {};
    event.events = events;
    event.data.fd = fd;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void run() {
    pthread_setname_np(pthread_self(), "susten-watch");
    std::vector<InotifyEvent> events;
    while (!stopping_.load()) {
      const int idle = follower_.idle_ms();
      if (idle != 0) follower_.rest();
      std::array<struct epoll_event, 4> ready;
      const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), idle);
      const Follower::Clock::time_point begin = Follower::Clock::now();
      for (int i = 0; i < count && !stopping_.load(); ++i) take(ready[static_cast<size_t>(i)].data.fd, events);
      // As long for what events have brought up as for the events, so that neither piles up.
      const Follower::Clock::time_point now = Follower::Clock::now();
      follower_.work(now + (now - begin));
      answer_marks();
      if (!stopping_.load()) outbox_.flush();
      // Nothing more will come, and the kernel may forget the watches.
      if (follower_.ended()) inotify_.close();
    }
  }

  void take(int fd, std::vector<InotifyEvent> &events) {
    if (fd == wake_.get()) {
      uint64_t count = 0;
      retry([&] { return ::read(fd, &count, sizeof count); });
      begin_marks();
      return;
    }
    if (fd == mounts_.get()) follower_.check_root();
    if (fd != inotify_.fd()) return;
    size_t got = 0;
    const Error error = inotify_.read(events, got);
    ahead_ -= std::min(ahead_, got);
    if (error.failed()) follower_.end(error);
    follower_.handle(events);
  }

  // What is queued now came before the mark; what comes later needn't be waited for.
  void begin_marks() {
    if (marking_ == 0) {
      marking_ = marks_.exchange(0);
      ahead_ = marking_ == 0 ? 0 : inotify_.queued();
    }
  }

  void answer_marks() {
    if (marking_ == 0 || (!follower_.ended() && (ahead_ > 0 || follower_.idle_ms() == 0))) return;
    for (; marking_ > 0; --marking_) outbox_.push(WatchKind::marked, "");
    if (marks_.load() > 0) wake();
  }

  Sys &sys_;
  const std::string root_;
  std::atomic<bool> stopping_ = false;
  // Asked for; those that are waited with; bytes of the kernel's queue that go before these.
  std::atomic<uint32_t> marks_ = 0;
  uint32_t marking_ = 0;
  size_t ahead_ = 0;
  Fd wake_;
  Fd mounts_;
  Fd epoll_;
  Inotify inotify_;
  Outbox outbox_;
  Follower follower_;
  std::thread thread_;
};

Watcher::Watcher(Sys &sys, std::string root, Sink sink)
    : impl_(std::make_unique<Impl>(sys, std::move(root), std::move(sink))) {}
Watcher::~Watcher() = default;

Error Watcher::start() { return impl_->start(); }
void Watcher::mark() { impl_->mark(); }
void Watcher::stop() { impl_->stop(); }

}  // namespace susten
