// A pool of threads with its jobs, its table of system calls and its group commit. Knows nothing of JavaScript.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "commit/file.h"
#include "engine/job.h"
#include "engine/pool.h"
#include "engine/sink.h"
#include "receive/connections.h"
#include "sys/sys.h"

namespace susten {

struct EngineOptions {
  size_t threads = 2;
  int nice = 5;
  std::unique_ptr<Sys> sys;
  // See TempMemo.
  std::string temp_tag;
};

class Engine {
 public:
  // `wake`: see Sink. Throws std::system_error if not even one thread can be made.
  Engine(EngineOptions options, std::function<void()> wake);
  // Cancels what is left, ends the threads, drops events that weren't taken.
  ~Engine();
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;

  // Takes a job in and starts it; its number, or 0 if the engine is closing.
  uint32_t start(const std::shared_ptr<Job> &job);
  // Null if there is none with this number (any more).
  std::shared_ptr<Job> job(uint32_t id);
  // Takes no more jobs; a ClosedEvent follows the end of the last one.
  void close(bool cancel);
  // Ends the threads. Waits for running system calls.
  void stop();

  // For jobs.
  Sys &sys() { return *sys_; }
  Pool &pool() { return pool_; }
  Sink &sink() { return sink_; }
  Commit &commit() { return commit_; }
  // Directories in which nothing of a dead process is put away any more, see restore_left().
  DirectorySet &restored() { return restored_; }
  Connections &connections() { return connections_; }
  void finished(Job &job, DoneEvent done);

 private:
  std::unique_ptr<Sys> sys_;
  Sink sink_;
  Commit commit_;
  DirectorySet restored_;
  Connections connections_;
  std::mutex mutex_;
  std::unordered_map<uint32_t, std::shared_ptr<Job>> jobs_;
  uint32_t last_id_ = 0;
  bool closing_ = false;
  Pool pool_;  // last: its threads use all of the above
};

}  // namespace susten
