// How a follower reads directories.
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "sys/dents.h"
#include "sys/retry.h"
#include "sys/temp_name.h"
#include "watch/follower.h"

namespace susten {
namespace {

// How much of a directory is read before events are looked at again.
constexpr size_t kPiece = 32 * 1024;
// A flood of overflows must not keep the thread reading directories all the time.
constexpr std::chrono::milliseconds kScanOfAllPause{1000};

}  // namespace

// Makes up for lost events: finds all directories again. Files are told only where a directory is new or has moved.
void Follower::begin_scan_of_all() {
  scan_of_all_.reset();
  earliest_scan_of_all_ = Clock::now() + kScanOfAllPause;
  limit_told_ = false;
  queue_scan(*tree_.root(), false, true);
}

void Follower::queue_scan(Dir &dir, bool report, bool deep) {
  if (!dir.queued) scans_.push_back(dir.wd);
  dir.queued = true;
  dir.report = dir.report || report;
  dir.deep = dir.deep || deep;
}

void Follower::begin_scan() {
  while (!scans_.empty() && !scan_) {
    Dir *dir = tree_.find(scans_.front());
    scans_.pop_front();
    if (dir == nullptr) continue;
    const Scan scan = {dir->wd, dir->report, dir->deep};
    dir->queued = dir->report = dir->deep = false;
    // With a position of its own.
    const int at = opener_.open(*dir);
    Fd fd;
    if (at >= 0) fd = Fd(sys_, retry([&] { return sys_.openat(at, ".", kWatchDirFlags, 0); }));
    if (fd) {
      scan_ = scan;
      scan_fd_ = std::move(fd);
      ++scan_number_;
    } else if (!is_vanished(errno)) {
      report_limit(*dir, "", "openat");
    } else if (opener_.lost_root() != 0) {
      return;
    }
  }
}

void Follower::scan_some() {
  Dir *dir = tree_.find(scan_->wd);
  ssize_t got = 0;
  // A directory that is detached by now is read again if it turns up.
  const bool known = dir != nullptr && tree_.is_above(*tree_.root(), *dir);
  if (known) {
    piece_.resize(kPiece);
    got = retry([&] { return sys_.getdents64(scan_fd_.get(), piece_.data(), piece_.size()); });
    if (got < 0 && !is_vanished(errno)) report_limit(*dir, "", "getdents64");
    if (got == 0 && scan_->deep) adopt_unseen(*dir);
  }
  if (got <= 0) {
    scan_.reset();
    scan_fd_.reset();
    return;
  }
  for (ssize_t at = 0; at < got && !stopping_.load(std::memory_order_relaxed);) {
    const Dent dent = read_dent(piece_.data() + at);
    at += static_cast<ssize_t>(dent.size);
    if (!dent.is_dots()) take_entry(*dir, dent.name, dent.type);
  }
}

void Follower::take_entry(Dir &dir, const char *name, uint8_t type) {
  if (type == DT_UNKNOWN) {
    struct stat st;
    if (sys_.fstatat(scan_fd_.get(), name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) return;
    type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
  }
  if (type == DT_DIR) adopt(dir, name, scan_->report, scan_->deep);
  std::string path;
  if (type == DT_REG && scan_->report && !is_temp_name(name) && path_of(dir, name, path)) {
    outbox_.push(WatchKind::found, std::move(path));
  }
}

// What is known to be in `dir` but wasn't among its entries: was it moved away and the event lost?
void Follower::adopt_unseen(Dir &dir) {
  std::vector<int> unseen;
  for (const Dir *child : dir.children) {
    if (child->seen < scan_number_) unseen.push_back(child->wd);
  }
  for (const int wd : unseen) {
    Dir *child = tree_.find(wd);
    if (child == nullptr || child->parent != &dir) continue;
    adopt(dir, std::string(child->name), scan_->report, scan_->deep);
    if (child->seen >= scan_number_ || child->parent != &dir) continue;
    tree_.detach(*child);
    put_aside(wd);
  }
}

}  // namespace susten
