#include "watch/follower.h"

#include <fcntl.h>
#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys/retry.h"
#include "sys/temp_name.h"

namespace susten {
namespace {

using std::chrono::milliseconds;

// inotify queues the two halves of a rename one right after the other, but they may be read apart. Too short only costs
// work: a directory that turns up later is watched and read anew.
constexpr milliseconds kAbsence{200};
// When to try again what a system limit has prevented.
constexpr milliseconds kLimitPause{60'000};
constexpr int kUnwatchAtOnce = 256;

// Whether a file that was just created has been there before: linked into place from elsewhere (link counts as a change
// of status only), or from O_TMPFILE. What is created to be written has one link and equal times.
bool is_linked(const struct stat &st) {
  return st.st_nlink > 1 || st.st_ctim.tv_sec != st.st_mtim.tv_sec || st.st_ctim.tv_nsec != st.st_mtim.tv_nsec;
}

}  // namespace

Follower::Follower(Sys &sys, std::string root, Inotify &inotify, Outbox &outbox, const std::atomic<bool> &stopping)
    : sys_(sys),
      root_(std::move(root)),
      inotify_(inotify),
      outbox_(outbox),
      stopping_(stopping),
      opener_(sys, inotify, tree_, root_) {}

Error Follower::start() {
  const Fd fd(sys_, retry([&] { return sys_.open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); }));
  if (!fd) return last_error("open", root_);
  const int wd = inotify_.add(fd.get());
  if (wd < 0) {
    return last_error("inotify_add_watch", errno == ENOSPC ? "/proc/sys/fs/inotify/max_user_watches" : root_);
  }
  tree_.set_root(wd);
  queue_scan(*tree_.root(), true, false);
  return {};
}

int Follower::idle_ms() const {
  if (ended_) return -1;
  if (is_busy()) return 0;
  Clock::time_point next = Clock::time_point::max();
  if (!absent_.empty()) next = absent_.front().until;
  if (scan_of_all_) next = std::min(next, *scan_of_all_);
  if (next == Clock::time_point::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(wait, 0, kLimitPause.count()));
}

void Follower::end(Error error) {
  if (ended_) return;
  ended_ = true;
  outbox_.push(WatchKind::gone, "", std::move(error));
  scan_.reset();
  scan_fd_.reset();
  opener_.rest();
  tree_.clear();
}

void Follower::check_root() {
  if (ended_) return;
  opener_.rest();
  opener_.open_root();
  end_if_lost();
}

void Follower::end_if_lost() {
  if (opener_.lost_root() == 0) return;
  errno = opener_.lost_root();
  end(last_error("open", root_));
}

void Follower::handle(const std::vector<InotifyEvent> &events) {
  for (const InotifyEvent &event : events) {
    if (ended_ || stopping_.load(std::memory_order_relaxed)) return;
    handle(event);
    end_if_lost();
  }
}

void Follower::handle(const InotifyEvent &event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    // Told at once: what a scan by others may miss is in directories that aren't watched yet, whose files will be
    // reported as found.
    outbox_.push(WatchKind::overflow, "");
    want_scan_of_all(Clock::now());
    return;
  }
  Dir *dir = tree_.find(event.wd);
  if (dir == nullptr) return;  // queued before the watch was removed
  if (dir == tree_.root() && (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
    errno = ENOENT;
    end(last_error("inotify", root_));
  } else if ((event.mask & (IN_UNMOUNT | IN_IGNORED)) != 0) {
    forget(*dir, (event.mask & IN_UNMOUNT) != 0);
  } else if (*event.name != '\0' && (event.mask & IN_ISDIR) != 0) {
    handle_directory(*dir, event);
  } else if (*event.name != '\0') {
    handle_file(*dir, event);
  }
}

void Follower::handle_directory(Dir &dir, const InotifyEvent &event) {
  if ((event.mask & (IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE)) == 0) return;
  Dir *former = tree_.child(dir, event.name);
  if ((event.mask & IN_MOVED_FROM) != 0 && former != nullptr) {
    tree_.detach(*former);
    put_aside(former->wd);
  }
  // Whatever the event, what has the name now is what counts. After a move that is deep even if nothing seems to have
  // changed: events from below may have been dropped while it was away. The name moved from is free as a rule, but
  // taken when two directories exchange their names, and the event for that was handled before.
  adopt(dir, event.name, true, (event.mask & IN_CREATE) == 0);
}

void Follower::handle_file(const Dir &dir, const InotifyEvent &event) {
  const bool created = (event.mask & IN_CREATE) != 0;
  const bool closed = (event.mask & IN_CLOSE_WRITE) != 0;
  if (!created && !closed && (event.mask & IN_MOVED_TO) == 0) return;
  if (is_temp_name(event.name)) return;
  struct stat st;
  const int at = opener_.open(dir);
  if (at >= 0 && sys_.fstatat(at, event.name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISREG(st.st_mode) || (created && !is_linked(st))) return;
  } else if (is_vanished(errno) || created) {
    return;
  }
  // What can't be looked at for another reason is reported: who copies it will see why.
  std::string path;
  if (!path_of(dir, event.name, path)) return;
  outbox_.push(created ? WatchKind::found : closed ? WatchKind::closed : WatchKind::moved, std::move(path));
}

// The kernel has removed the watch.
void Follower::forget(Dir &dir, bool unmounted) {
  Dir *parent = dir.parent;
  const std::string name = dir.name;
  for (const int orphan : tree_.erase(dir)) put_aside(orphan);
  // What was mounted over is visible again.
  if (unmounted && parent != nullptr) adopt(*parent, name, true, false);
}

// Brings the directory `name` in `parent` under watch, or notes that it has this name now, and has it read.
void Follower::adopt(Dir &parent, const std::string &name, bool report, bool deep) {
  // One that is being made, or that files are put away in for a moment: what is in it isn't there for others.
  if (is_temp_name(name)) return;
  const int at = opener_.open(parent);
  if (at < 0) {
    if (!is_vanished(errno)) report_limit(parent, name, "openat");
    return;
  }
  const Fd fd(sys_, retry([&] { return sys_.openat(at, name.c_str(), kWatchDirFlags, 0); }));
  if (!fd) {
    if (!is_vanished(errno)) report_limit(parent, name, "openat");
    return;
  }
  const int wd = inotify_.add(fd.get());
  if (wd < 0) return report_limit(parent, name, "inotify_add_watch");
  Dir *dir = tree_.find(wd);
  Dir *former = tree_.child(parent, name);
  if (dir != nullptr && dir == former) {
    dir->seen = scan_number_;
    if (deep) queue_scan(*dir, report, true);
    return;
  }
  if (dir != nullptr) {
    // Not a move if it contains `parent`: what we believe is stale, or this is a bind mount of a directory above. Nor
    // if it is still where it was: this is a bind mount of it.
    if (tree_.is_above(*dir, parent) || is_at_its_place(*dir, fd.get())) return;
  }
  if (former != nullptr) {
    tree_.detach(*former);
    put_aside(former->wd);
  }
  if (dir != nullptr) {
    tree_.attach(*dir, parent, name);
  } else {
    dir = &tree_.add(wd, parent, name);
  }
  dir->seen = scan_number_;
  queue_scan(*dir, true, true);
}

// Whether the directory that is open as `fd` is also found where `dir` is believed to be.
bool Follower::is_at_its_place(const Dir &dir, int fd) {
  if (dir.parent == nullptr) return false;
  const int at = opener_.open(*dir.parent);
  struct stat there, here;
  return at >= 0 && sys_.fstatat(at, dir.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         sys_.fstat(fd, &here) == 0 && there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

void Follower::put_aside(int wd) { absent_.push_back({wd, Clock::now() + kAbsence}); }

// Removes the watches of directories that were moved out, and of all below them.
void Follower::unwatch_some() {
  for (int count = 0; count < kUnwatchAtOnce && !unwatch_.empty(); ++count) {
    const int wd = unwatch_.back();
    unwatch_.pop_back();
    Dir *dir = tree_.find(wd);
    if (dir == nullptr || !tree_.is_detached(*dir)) continue;
    inotify_.remove(wd);
    for (const int orphan : tree_.erase(*dir)) unwatch_.push_back(orphan);
  }
}

void Follower::report_limit(const Dir &dir, const std::string &name, const char *call) {
  const int number = errno;
  std::string path;
  if (name.empty() ? !tree_.path(dir, path) : !path_of(dir, name, path)) return;
  // A lack of something may end; it is told once for all directories, and looked at again later.
  if (number == ENOSPC || number == ENOMEM || number == EMFILE || number == ENFILE) {
    want_scan_of_all(Clock::now() + kLimitPause);
    if (std::exchange(limit_told_, true)) return;
  }
  errno = number;
  Error error = last_error(call, number == ENOSPC ? "/proc/sys/fs/inotify/max_user_watches" : root_ + '/' + path);
  outbox_.push(WatchKind::limit, std::move(path), std::move(error));
}

void Follower::want_scan_of_all(Clock::time_point when) {
  when = std::max(when, earliest_scan_of_all_);
  scan_of_all_ = scan_of_all_ ? std::min(*scan_of_all_, when) : when;
}

bool Follower::path_of(const Dir &dir, std::string_view name, std::string &path) const {
  if (!tree_.path(dir, path)) return false;
  if (!path.empty()) path += '/';
  path += name;
  return true;
}

void Follower::work(Clock::time_point until) {
  if (ended_) return;
  Clock::time_point now = Clock::now();
  for (; !absent_.empty() && absent_.front().until <= now; absent_.pop_front()) {
    unwatch_.push_back(absent_.front().wd);  // looked at again there: it may have turned up
  }
  if (scan_of_all_ && *scan_of_all_ <= now && !scan_ && scans_.empty()) begin_scan_of_all();
  do {
    unwatch_some();
    if (!scan_) begin_scan();
    if (scan_) scan_some();
    end_if_lost();
    now = Clock::now();
  } while (is_busy() && now < until && !ended_ && !stopping_.load(std::memory_order_relaxed));
}

}  // namespace susten
