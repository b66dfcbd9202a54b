#include "engine/pool.h"

#include <pthread.h>
#include <sched.h>
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
  // Who is woken doesn't take the processor from whom woke him, which is the embedding thread.
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  const sched_param parameter{.sched_priority = 0};
  ::sched_setscheduler(0, SCHED_BATCH, &parameter);
}

}  // namespace

Pool::Pool(size_t threads, int nice, Idle idle) : idle_(std::move(idle)) {
  ::sem_init(&tasks_, 0, 0);
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

Pool::~Pool() {
  stop();
  ::sem_destroy(&tasks_);
}

void Pool::ready(const std::shared_ptr<Runnable> &job, size_t tasks) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    const auto turn =
        std::find_if(turns_.begin(), turns_.end(), [&](const Turn &candidate) { return candidate.job == job; });
    if (turn == turns_.end()) {
      turns_.push_back({job, tasks});
    } else {
      turn->tasks += tasks;
    }
  }
  for (size_t i = 0; i < tasks; ++i) ::sem_post(&tasks_);
}

// The job whose turn it is; it goes behind the others. Called with the lock held, and a task counted down.
std::shared_ptr<Runnable> Pool::next() {
  Turn turn = std::move(turns_.front());
  turns_.pop_front();
  std::shared_ptr<Runnable> job = turn.job;
  if (--turn.tasks > 0) turns_.push_back(std::move(turn));
  return job;
}

// Called once a task was counted down, or the end has come; false then.
bool Pool::run_next(Scratch &scratch) {
  std::shared_ptr<Runnable> job;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    job = next();
  }
  job->run(scratch);
  return true;
}

void Pool::work(int nice) {
  ::pthread_setname_np(::pthread_self(), "susten");
  lower_priority(nice);
  Scratch scratch;
  for (bool going = true; going;) {
    if (::sem_trywait(&tasks_) == 0) {
      going = run_next(scratch);
    } else if (!idle_(scratch)) {
      while (::sem_wait(&tasks_) != 0) {
      }
      going = run_next(scratch);
    }
  }
  alive_.fetch_sub(1);
}

void Pool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (size_t i = 0; i < threads_.size(); ++i) ::sem_post(&tasks_);
  for (std::thread &thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  const std::lock_guard lock(mutex_);
  turns_.clear();
}

}  // namespace susten
