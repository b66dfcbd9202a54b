// A fixed number of threads that do the ready tasks of several jobs in turn.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "copy/context.h"

namespace susten {

// Something with tasks to do. A pool gives each job that has some one turn after the other, so that a large job
// doesn't hold up a small one.
class Runnable {
 public:
  virtual ~Runnable() = default;
  // Does one ready task.
  virtual void run(Scratch &scratch) = 0;
};

class Pool {
 public:
  // Called by a worker that found nothing to do; true if it did something after all.
  using Idle = std::function<bool(Scratch &)>;

  Pool(size_t threads, int nice, Idle idle);
  ~Pool();
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  // `job` has so many more tasks ready. Never waits for a worker that was put off its processor, but for a moment's
  // lock.
  void ready(const std::shared_ptr<Runnable> &job, size_t tasks);
  // Ends the threads once they have finished their running tasks; tasks that are only ready are dropped.
  void stop();
  [[nodiscard]] size_t alive() const { return alive_.load(); }

 private:
  struct Turn {
    std::shared_ptr<Runnable> job;
    size_t tasks;
  };

  void work(int nice);
  bool run_next(Scratch &scratch);
  std::shared_ptr<Runnable> next();

  Idle idle_;
  std::mutex mutex_;
  // Counts the ready tasks. Unlike a condition variable's, its signal never waits for those who were woken before.
  sem_t tasks_{};
  std::deque<Turn> turns_;
  bool stopping_ = false;
  std::atomic<size_t> alive_{0};
  std::vector<std::thread> threads_;
};

}  // namespace susten
