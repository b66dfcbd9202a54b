// One request to an engine: its tasks, its cancel flag, its counters, and its end.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "engine/events.h"
#include "engine/pool.h"

namespace susten {

class Engine;

class Job : public Runnable, public std::enable_shared_from_this<Job> {
 public:
  explicit Job(Engine &engine) : engine_(engine) {}

  [[nodiscard]] uint32_t id() const { return id_; }
  void set_id(uint32_t id) { id_ = id; }

  // Queues the first tasks. Called once, when the job has its id.
  virtual void start() = 0;
  // Running tasks notice within a few milliseconds; queued ones end at once. May be called from any thread.
  virtual void cancel();
  // The owner took an `entries` event.
  virtual void acknowledge() {}
  // The owner's answer to a `filter` event.
  virtual void answer(uint32_t /*question*/, const std::vector<bool> & /*accept*/) {}

  void run(Scratch &scratch) override;

 protected:
  using Task = std::function<void(Context &)>;

  // Queues a task: at the front (`first`, for depth before breadth) or at the end.
  void spawn(Task task, bool first = false);
  // Queues many at once: one at a time, each would take locks that the owner's thread needs, too.
  void spawn_all(std::vector<Task> tasks);
  // The job isn't over while anything is held: tasks hold by themselves, waiting files and questions by these.
  void hold() { held_.fetch_add(1); }
  void release();
  // Everything has been released: say so.
  virtual void finish() = 0;
  // Emits a progress event if the last one is a while ago.
  void report_progress();
  void emit_done(Error error, bool with_progress);

  [[nodiscard]] bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  [[nodiscard]] Progress progress() const;

  Engine &engine_;
  std::atomic<bool> cancelled_{false};
  struct Counters {
    std::atomic<int64_t> files{0};
    std::atomic<int64_t> bytes{0};
    std::atomic<int64_t> failed{0};
    std::atomic<int64_t> directories{0};
    std::atomic<int64_t> symlinks{0};
    std::atomic<int64_t> skipped{0};
  } count_;

 private:
  uint32_t id_ = 0;
  std::atomic<int64_t> held_{0};
  std::atomic<int64_t> reported_{0};
  std::mutex mutex_;
  std::deque<Task> tasks_;
};

}  // namespace susten
