#include "engine/pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace susten {

namespace {

// The process's signals belong to its own threads.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals &) = delete;
  BlockedSignals &operator=(const BlockedSignals &) = delete;

 private:
  sigset_t before_{};
};

void lower_priority(int nice) {
  if (nice == 0) return;
  // On Linux a nice value belongs to the thread. A failure only means the usual priority.
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  const int now = ::getpriority(PRIO_PROCESS, thread);
  ::setpriority(PRIO_PROCESS, thread, std::min(now + nice, 19));
}

}  // namespace

Pool::Pool(size_t threads, int nice, Idle idle) : idle_(std::move(idle)) {
  const BlockedSignals blocked;  // threads inherit the mask
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    alive_.fetch_add(1);
    try {
      threads_.emplace_back([this, nice] { work(nice); });
    } catch (const std::system_error &) {
      // Fewer threads than asked do the same work; none would do nothing.
      alive_.fetch_sub(1);
      if (threads_.empty()) throw;
      break;
    }
  }
}

Pool::~Pool() { stop(); }

void Pool::ready(const std::shared_ptr<Runnable> &job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++ready_;
    const auto turn =
        std::find_if(turns_.begin(), turns_.end(), [&](const Turn &candidate) { return candidate.job == job; });
    if (turn == turns_.end()) {
      turns_.push_back({job, 1});
    } else {
      ++turn->tasks;
    }
  }
  wake_.notify_one();
}

void Pool::nudge() {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_one();
}

// The job whose turn it is; it goes behind the others. Called with the lock held.
std::shared_ptr<Runnable> Pool::next() {
  Turn turn = std::move(turns_.front());
  turns_.pop_front();
  std::shared_ptr<Runnable> job = turn.job;
  --ready_;
  if (--turn.tasks > 0) turns_.push_back(std::move(turn));
  return job;
}

void Pool::work(int nice) {
  ::pthread_setname_np(::pthread_self(), "susten");
  lower_priority(nice);
  Scratch scratch;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (ready_ > 0) {
      std::shared_ptr<Runnable> job = next();
      lock.unlock();
      job->run(scratch);
      job.reset();
      lock.lock();
      continue;
    }
    nudged_ = false;
    lock.unlock();
    const bool did = idle_(scratch);
    lock.lock();
    if (!did) wake_.wait(lock, [&] { return stopping_ || nudged_ || ready_ > 0; });
  }
  lock.unlock();
  alive_.fetch_sub(1);
}

void Pool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread &thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  const std::lock_guard lock(mutex_);
  turns_.clear();
  ready_ = 0;
}

}  // namespace susten
