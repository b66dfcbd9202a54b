// Group commit: files that are written wait here for one sync, then get their names, then their directories are
// synced, and only then is anyone told.
//
// A group is made durable by whichever worker finds it due: when it is large, old, or nobody has anything else to do.
// So a lone file is durable at once, and under load one sync serves many. Small files wait for the sync that is under
// way, so that the next one serves the more of them; large ones gain nothing by that, and don't.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "commit/place.h"

namespace susten {

// A file that is written and waits to be durable.
struct Written {
  DirectoryRef directory;
  Temp temp;
  std::string name;
  Existing existing = Existing::replace;
  std::optional<Expected> expected;
  int64_t size = 0;
  // When its temp file was opened, in the order of all; the oldest descriptor sees every write-back error since.
  uint64_t opened = 0;
  // Directories above `directory` that were made for it: their parents must be synced too.
  std::vector<DirectoryRef> parents;
  const std::atomic<bool> *cancelled = nullptr;
  std::function<void(Placement)> done;
};

class GroupCommit {
 public:
  explicit GroupCommit(Sys &sys);

  // A number for Written::opened.
  uint64_t opening() { return openings_.fetch_add(1, std::memory_order_relaxed); }
  // Hands a file over. May make a group durable on this thread, or wait while another does.
  void add(Context &context, Written file);
  // Makes due what waits: called by workers that have nothing else to do. True if there was something.
  bool flush(Context &context);
  // Makes due what has waited too long: called by workers in the middle of long files.
  void flush_old(Context &context);

 private:
  using Clock = std::chrono::steady_clock;
  struct Group {
    std::vector<Written> files;
    int64_t bytes = 0;
    // All that its files hold open.
    std::unordered_set<const Directory *> directories;
    [[nodiscard]] size_t descriptors() const { return files.size() + directories.size(); }
    Clock::time_point since;
    // Workers that are making what waited here durable.
    size_t leaders = 0;
    [[nodiscard]] bool is_free() const;
  };

  void commit(Context &context, std::vector<Written> &files);
  void sync_contents(std::vector<Written> &files, std::vector<Placement> &results);
  void sync_each(std::vector<Written> &files, std::vector<Placement> &results);
  void sync_directories(std::vector<Written> &files, std::vector<Placement> &results);
  void lead(Context &context, Group &group, std::unique_lock<std::mutex> &lock);

  Sys &sys_;
  const size_t most_waiting_;
  std::atomic<uint64_t> openings_{0};
  std::mutex mutex_;
  std::condition_variable room_;
  std::map<dev_t, Group> groups_;
};

}  // namespace susten
