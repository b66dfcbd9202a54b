#include "engine/job.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "engine/engine.h"

namespace susten {

namespace {

constexpr int64_t kProgressEvery = 100;  // milliseconds

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void Job::cancel() { cancelled_.store(true); }

void Job::spawn(Task task, bool first) {
  hold();
  {
    const std::lock_guard lock(mutex_);
    if (first) {
      tasks_.push_front(std::move(task));
    } else {
      tasks_.push_back(std::move(task));
    }
  }
  engine_.pool().ready(shared_from_this(), 1);
}

void Job::spawn_all(std::vector<Task> tasks) {
  if (tasks.empty()) return;
  held_.fetch_add(static_cast<int64_t>(tasks.size()));
  {
    const std::lock_guard lock(mutex_);
    std::move(tasks.begin(), tasks.end(), std::back_inserter(tasks_));
  }
  engine_.pool().ready(shared_from_this(), tasks.size());
}

void Job::run(Scratch &scratch) {
  Task task;
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) return;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  Context context{engine_.sys(), scratch, cancelled_, count_.bytes, {}};
  context.between = [&] {
    Context other{engine_.sys(), scratch, cancelled_, count_.bytes, {}};
    engine_.commit().groups.flush_old(other);
    report_progress();
  };
  task(context);
  task = nullptr;  // closes what it held before the job can be over
  report_progress();
  release();
}

void Job::release() {
  if (held_.fetch_sub(1) == 1) finish();
}

void Job::report_progress() {
  const int64_t now = now_ms();
  int64_t last = reported_.load(std::memory_order_relaxed);
  if (now - last < kProgressEvery || !reported_.compare_exchange_strong(last, now)) return;
  if (last == 0) return;  // the first look only starts the clock
  engine_.sink().push(ProgressEvent{.job = id_, .progress = progress()});
}

Progress Job::progress() const {
  return {.files = count_.files.load(),
          .bytes = count_.bytes.load(),
          .failed = count_.failed.load(),
          .directories = count_.directories.load(),
          .symlinks = count_.symlinks.load(),
          .skipped = count_.skipped.load()};
}

void Job::emit_done(Error error, bool with_progress) {
  DoneEvent done{.job = id_, .progress = {}, .volume = {}, .error = std::move(error)};
  if (with_progress) done.progress = progress();
  engine_.finished(*this, std::move(done));
}

}  // namespace susten
