// Keeps the watches in step with a directory tree that others change, and makes inotify's events into ours.
//
// Every directory is watched first and read afterwards, so nothing that appears meanwhile is missed. Whenever a name in
// the tree turns out to be stale (renames go on while earlier events are still queued) what depends on it is dropped:
// an event that tells of the rename is then still to come, and the directory that it names is read again from top to
// bottom.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"
#include "sys/sys.h"
#include "watch/dir_opener.h"
#include "watch/dir_tree.h"
#include "watch/inotify.h"
#include "watch/outbox.h"

namespace susten {

class Follower {
 public:
  using Clock = std::chrono::steady_clock;

  // Ends early from whatever it does once `stopping` is set.
  Follower(Sys &sys, std::string root, Inotify &inotify, Outbox &outbox, const std::atomic<bool> &stopping);

  // Watches the root; it is read by work().
  Error start();
  void handle(const std::vector<InotifyEvent> &events);
  // Looks whether the root's path still leads to the root.
  void check_root();
  // Does what is to be done, if anything, until about `until`, but a piece at least.
  void work(Clock::time_point until);
  // Milliseconds until there is something to do for work(); 0: now; -1: not before an event.
  [[nodiscard]] int idle_ms() const;
  // Lets go of all directories, to be called before waiting.
  void rest() { opener_.rest(); }
  // Reports that the root is gone, for `error`; nothing is done any more.
  void end(Error error);
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  // A directory to read. `report`: tell its files. `deep`: read also those of its subdirectories that are known.
  struct Scan {
    int wd = -1;
    bool report = true;
    bool deep = false;
  };
  // A directory that was moved away. Where it went, if it went below the root, other events will tell.
  struct Absent {
    int wd = -1;
    Clock::time_point until;
  };

  void end_if_lost();
  void handle(const InotifyEvent &event);
  void handle_directory(Dir &dir, const InotifyEvent &event);
  void handle_file(const Dir &dir, const InotifyEvent &event);
  void forget(Dir &dir, bool unmounted);

  void adopt(Dir &parent, const std::string &name, bool report, bool deep);
  bool is_at_its_place(const Dir &dir, int fd);
  void put_aside(int wd);
  [[nodiscard]] bool is_busy() const { return scan_ || !scans_.empty() || !unwatch_.empty(); }
  void unwatch_some();

  void queue_scan(Dir &dir, bool report, bool deep);
  void begin_scan_of_all();
  void begin_scan();
  void scan_some();
  void take_entry(Dir &dir, const char *name, uint8_t type);
  void adopt_unseen(Dir &dir);

  void report_limit(const Dir &dir, const std::string &name, const char *call);
  void want_scan_of_all(Clock::time_point when);
  // Puts the path of `name` in `dir`, below the root, into `path`; false if it isn't known.
  bool path_of(const Dir &dir, std::string_view name, std::string &path) const;

  Sys &sys_;
  const std::string root_;
  Inotify &inotify_;
  Outbox &outbox_;
  const std::atomic<bool> &stopping_;
  DirTree tree_;
  DirOpener opener_;
  bool ended_ = false;

  // To be read, each directory once and in turn: nobody's renames can keep others' directories from being read.
  std::deque<int> scans_;
  std::optional<Scan> scan_;
  Fd scan_fd_;
  uint64_t scan_number_ = 0;
  std::vector<char> piece_;

  std::deque<Absent> absent_;
  std::vector<int> unwatch_;
  std::optional<Clock::time_point> scan_of_all_;
  Clock::time_point earliest_scan_of_all_;
  bool limit_told_ = false;
};

}  // namespace susten
