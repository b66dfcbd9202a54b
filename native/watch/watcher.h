// Watches a directory tree for files that are complete.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sys/error.h"
#include "sys/sys.h"

namespace susten {

enum class WatchKind {
  closed,    // closed after writing
  moved,     // renamed into place
  found,     // was there when its directory came under watch, or was linked into place; may still be being written
  overflow,  // events were lost: scan
  limit,   // the directory `name` isn't watched or couldn't be read, for `error`: scan at intervals. A lack of watches,
           // descriptors or memory is told once a minute, for the first directory that it hits
  marked,  // all that happened before a call of mark() has been reported
  gone,    // the root was removed, renamed, unmounted or hidden by another mount; nothing follows
};

struct WatchEvent {
  WatchKind kind = WatchKind::closed;
  std::string name;  // below the root; empty for overflow and gone
  Error error;       // limit and gone: why
};

// A recursive inotify watch with a thread of its own. Only regular files are reported, under the names that they had
// when they were looked at; unfinished files of ours (sys/temp_name.h) aren't. A file may be reported more than once.
class Watcher {
 public:
  static constexpr size_t kMaxEvents = 1024;

  // Called on the watcher's thread with 1 to kMaxEvents events. May block until there is room for them (the kernel
  // queues meanwhile), but must return soon after stop() has been called. Must not throw.
  using Sink = std::function<void(std::vector<WatchEvent> &&)>;

  // Opens nothing yet. `sys` must outlive the watcher.
  Watcher(Sys &sys, std::string root, Sink sink);
  ~Watcher();  // stops
  Watcher(const Watcher &) = delete;
  Watcher &operator=(const Watcher &) = delete;

  // Watches the root and starts the thread, which reports what is already there as `found`. Fails if the root is
  // missing or not a directory, or a limit of the system is reached. Call once.
  Error start();

  // Asks for one event `marked`. Thread-safe.
  void mark();

  // Ends the thread; the sink isn't called after it. Takes milliseconds, and the kernel about one more for every
  // thousand directories. May be called again. Not from the sink.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace susten
