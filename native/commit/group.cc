#include "commit/group.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "sys/retry.h"

namespace susten {

namespace {

// A group is due when it is this large, or this old.
constexpr size_t kDueFiles = 512;
constexpr int64_t kDueBytes = int64_t{256} * 1024 * 1024;
constexpr auto kDueAge = std::chrono::milliseconds(100);
// From here on one syncfs is cheaper than a sync per file; below, it would flush other people's data for nothing.
constexpr size_t kSyncfsFiles = 8;
// Of files of this size on average, two groups are synced at the same time: their data takes longer than what one sync
// for both would save.
constexpr int64_t kLargeFile = int64_t{1024} * 1024;
constexpr size_t kMostLeaders = 2;

Placement failure(int number, const char *syscall, const char *code = "") {
  return {.outcome = Outcome::failed, .version = {}, .number = number, .code = code, .syscall = syscall};
}

// Workers wait when files with this many descriptors are behind a running sync. An eighth of what the process
// may have is ours, of one engine.
size_t most_waiting() {
  constexpr size_t kMost = 2 * kDueFiles;
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kMost;
  return std::clamp<size_t>(limit.rlim_cur / 8, 16, kMost);
}

bool failed(const Placement &placement) { return placement.number != 0 || *placement.code != '\0'; }

}  // namespace

GroupCommit::GroupCommit(Sys &sys) : sys_(sys), most_waiting_(most_waiting()) {}

// Whether what waits may be synced now.
bool GroupCommit::Group::is_free() const {
  const size_t most = bytes >= static_cast<int64_t>(files.size()) * kLargeFile ? kMostLeaders : 1;
  return leaders < most;
}

void GroupCommit::add(Context &context, Written file) {
  std::unique_lock lock(mutex_);
  Group &group = groups_[file.directory->dev];
  room_.wait(lock, [&] { return group.descriptors() < most_waiting_ || group.is_free(); });
  if (group.files.empty()) group.since = Clock::now();
  group.bytes += file.size;
  group.directories.insert(file.directory.get());
  for (const DirectoryRef &parent : file.parents) group.directories.insert(parent.get());
  group.files.push_back(std::move(file));
  const bool due = group.files.size() >= kDueFiles || group.descriptors() >= most_waiting_ ||
                   group.bytes >= kDueBytes || Clock::now() - group.since >= kDueAge;
  if (due && group.is_free()) lead(context, group, lock);
}

bool GroupCommit::flush(Context &context) {
  std::unique_lock lock(mutex_);
  for (auto &[dev, group] : groups_) {
    if (group.files.empty() || !group.is_free()) continue;
    lead(context, group, lock);
    return true;
  }
  return false;
}

void GroupCommit::flush_old(Context &context) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  for (auto &[dev, group] : groups_) {
    if (group.files.empty() || !group.is_free() || Clock::now() - group.since < kDueAge) continue;
    lead(context, group, lock);
    return;
  }
}

// Makes what waits in `group` durable; `lock` is held on entry and on return, not meanwhile.
void GroupCommit::lead(Context &context, Group &group, std::unique_lock<std::mutex> &lock) {
  ++group.leaders;
  std::vector<Written> files = std::exchange(group.files, {});
  group.bytes = 0;
  group.directories.clear();
  lock.unlock();
  commit(context, files);
  files.clear();  // closes descriptors outside the lock
  lock.lock();
  --group.leaders;
  room_.notify_all();
}

void GroupCommit::commit(Context &context, std::vector<Written> &files) {
  std::vector<Placement> results(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].cancelled->load(std::memory_order_relaxed)) results[i] = failure(0, "copy", "ABORT_ERR");
  }
  sync_contents(files, results);
  std::atomic<int64_t> uncounted{0};
  for (size_t i = 0; i < files.size(); ++i) {
    if (failed(results[i])) continue;
    Written &file = files[i];
    // The files are of many jobs: each has its own right to be cancelled.
    Context own{sys_, context.scratch, *file.cancelled, uncounted, {}};
    results[i] = place(own, file.directory, file.temp, file.name, file.existing, file.expected, file.size);
  }
  sync_directories(files, results);
  for (size_t i = 0; i < files.size(); ++i) {
    // The temp file goes before anyone is told, so that who is told finds nothing left.
    files[i].temp = Temp();
    files[i].done(std::move(results[i]));
  }
}

void GroupCommit::sync_contents(std::vector<Written> &files, std::vector<Placement> &results) {
  if (files.front().directory->is_volatile) return;
  const bool together = files.size() >= kSyncfsFiles && files.front().directory->can_syncfs;
  if (together) {
    const auto oldest = std::min_element(files.begin(), files.end(),
                                         [](const Written &a, const Written &b) { return a.opened < b.opened; });
    if (retry([&] { return sys_.syncfs(oldest->temp.fd()); }) == 0) return;
    // Somebody's write failed. Whose, only the files' own syncs tell.
  }
  sync_each(files, results);
}

void GroupCommit::sync_each(std::vector<Written> &files, std::vector<Placement> &results) {
  // All data first, so that the first fsync finds all of it written and one journal commit serves the rest.
  if (files.size() > 1) {
    for (Written &file : files) sys_.sync_file_range(file.temp.fd(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
  for (size_t i = 0; i < files.size(); ++i) {
    if (failed(results[i])) continue;
    if (retry([&] { return sys_.fsync(files[i].temp.fd()); }) != 0) results[i] = failure(errno, "fsync");
  }
}

void GroupCommit::sync_directories(std::vector<Written> &files, std::vector<Placement> &results) {
  std::map<const Directory *, int> synced;
  const auto sync = [&](const DirectoryRef &directory) {
    if (directory->is_volatile) return 0;
    const auto [entry, fresh] = synced.try_emplace(directory.get(), 0);
    if (fresh && retry([&] { return sys_.fsync(directory->fd.get()); }) != 0) entry->second = errno;
    return entry->second;
  };
  for (size_t i = 0; i < files.size(); ++i) {
    if (failed(results[i])) continue;
    int error = sync(files[i].directory);
    for (const DirectoryRef &parent : files[i].parents) {
      if (error == 0) error = sync(parent);
    }
    if (error != 0) results[i] = failure(error, "fsync");
  }
}

}  // namespace susten
