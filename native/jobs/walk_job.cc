#include "jobs/walk_job.h"

#include <utility>

#include "engine/engine.h"

namespace susten {

namespace {

constexpr size_t kBatch = 256;
constexpr int kMostOutstanding = 4;

}  // namespace

WalkJob::WalkJob(Engine &engine, std::string root, std::string below)
    : Job(engine), walk_(engine.sys(), root, std::move(below)), root_(std::move(root)) {}

void WalkJob::start() {
  spawn([this](Context &context) { step(context); });
}

void WalkJob::finish() {
  if (cancelled() && !error_.failed()) {
    error_ = {.number = 0, .code = "ABORT_ERR", .syscall = "walk", .path = root_, .dest = {}};
  }
  emit_done(std::move(error_), false);
}

void WalkJob::step(Context & /*context*/) {
  if (cancelled()) return;
  EntriesEvent event;
  event.job = id();
  const Walk::Step step = walk_.next(event.entries, event.unreadable, kBatch, error_);
  const bool found = !event.entries.empty() || !event.unreadable.empty();
  if (found) {
    const std::lock_guard lock(mutex_);
    ++outstanding_;
  }
  if (found) engine_.sink().push(std::move(event));
  if (step == Walk::Step::finished) return;
  {
    const std::lock_guard lock(mutex_);
    // A cancel that came since would have found nothing parked.
    if (outstanding_ >= kMostOutstanding && !cancelled()) {
      parked_ = true;
      hold();
      return;
    }
  }
  spawn([this](Context &worker) { this->step(worker); });
}

void WalkJob::acknowledge() {
  {
    const std::lock_guard lock(mutex_);
    if (outstanding_ > 0) --outstanding_;
  }
  go_on();
}

void WalkJob::cancel() {
  Job::cancel();
  go_on();
}

// Takes up a parked walk, if it may go on or must end.
void WalkJob::go_on() {
  {
    const std::lock_guard lock(mutex_);
    if (!parked_) return;
    parked_ = false;
  }
  spawn([this](Context &context) {
    step(context);
    release();  // what parking held
  });
}

}  // namespace susten
