#include "engine/engine.h"

#include <utility>

namespace susten {

namespace {

// A worker with nothing to do makes durable what waits for company.
bool flush_groups(Sys &sys, Commit &commit, Scratch &scratch) {
  static const std::atomic<bool> never{false};
  std::atomic<int64_t> unused{0};
  Context context{sys, scratch, never, unused, {}};
  return commit.groups.flush(context);
}

}  // namespace

Engine::Engine(EngineOptions options, std::function<void()> wake)
    : sys_(options.sys ? std::move(options.sys) : std::make_unique<Sys>()),
      sink_(std::move(wake)),
      commit_(*sys_, std::move(options.temp_tag)),
      pool_(options.threads, options.nice, [this](Scratch &scratch) { return flush_groups(*sys_, commit_, scratch); }) {
}

Engine::~Engine() { stop(); }

uint32_t Engine::start(const std::shared_ptr<Job> &job) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return 0;
    do {
      ++last_id_;
    } while (last_id_ == 0 || jobs_.contains(last_id_));
    job->set_id(last_id_);
    jobs_.emplace(last_id_, job);
  }
  const uint32_t id = job->id();
  job->start();
  return id;
}

std::shared_ptr<Job> Engine::job(uint32_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second;
}

void Engine::close(bool cancel) {
  std::vector<std::shared_ptr<Job>> jobs;
  bool idle = false;
  {
    const std::lock_guard lock(mutex_);
    const bool first = !std::exchange(closing_, true);
    idle = first && jobs_.empty();
    if (cancel) {
      for (const auto &[id, job] : jobs_) jobs.push_back(job);
    }
  }
  for (const auto &job : jobs) job->cancel();
  if (idle) sink_.push_now(ClosedEvent{});
}

void Engine::finished(Job &job, DoneEvent done) {
  std::shared_ptr<Job> keep;  // a job mustn't die while one of its own functions runs
  sink_.push_now(std::move(done));
  bool closed = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(job.id());
    if (found != jobs_.end()) {
      keep = std::move(found->second);
      jobs_.erase(found);
    }
    closed = closing_ && jobs_.empty();
  }
  if (closed) sink_.push_now(ClosedEvent{});
}

void Engine::stop() {
  close(true);
  sink_.close();
  pool_.stop();
  connections_.clear();
}

}  // namespace susten
