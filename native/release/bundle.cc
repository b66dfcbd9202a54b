#include "release/bundle.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "release/restore.h"
#include "sys/beneath.h"
#include "sys/retry.h"

namespace susten {

namespace {

// A thousand times what opening a file takes from finding its name to being counted as a writer.
constexpr struct timespec kMoment { .tv_sec = 0, .tv_nsec = 1'000'000 };

constexpr size_t kMostFiles = 128;
constexpr int64_t kMostRead = int64_t{256} * 1024 * 1024;

std::string_view directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool is_done(ReleaseOutcome outcome) {
  return outcome == ReleaseOutcome::released || outcome == ReleaseOutcome::absent || outcome == ReleaseOutcome::already;
}

}  // namespace

size_t bundle_of(std::span<const ReleaseFile> files) {
  const size_t most = std::min(files.size(), kMostFiles);
  int64_t read = 0;
  for (size_t count = 0; count < most; ++count) {
    const ReleaseFile &file = files[count];
    if (!file.known.digest.empty() || !file.copy.digest.empty()) read += file.known.size;
    if (read > kMostRead) return std::max<size_t>(count, 1);
  }
  return most;
}

DirectoryRef open_directory(Sys &sys, const DirectoryRef &root, const std::string &name, Error &failure) {
  if (name.empty()) return root;
  const std::string path = join_path(root->path, name);
  Fd fd(sys, open_beneath(sys, root->fd.get(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    failure = last_error("openat2", path);
    return nullptr;
  }
  struct stat st {};
  if (retry([&] { return sys.fstat(fd.get(), &st); }) != 0) {
    failure = last_error("fstat", path);
    return nullptr;
  }
  return adopt_directory(sys, std::move(fd), path, st, *root, failure);
}

std::vector<ReleaseResult> ReleaseBundle::run(std::span<const ReleaseFile> files) {
  std::vector<FileRelease> releases;
  releases.reserve(files.size());
  std::vector<FileRelease *> away;
  for (const ReleaseFile &file : files) {
    releases.emplace_back(file, tiers_);
    if (put_away(releases.back(), file)) away.push_back(&releases.back());
  }
  if (!away.empty()) ::nanosleep(&kMoment, nullptr);
  for (FileRelease *release : away) release->conclude(context_);
  // Before anyone is told, so that who is told finds nothing left.
  for (auto &[name, place] : places_) place.hiding.remove();
  if (tiers_.sync) sync_places(releases);
  std::vector<ReleaseResult> results;
  results.reserve(files.size());
  for (FileRelease &release : releases) results.push_back(std::move(release.result()));
  return results;
}

bool ReleaseBundle::put_away(FileRelease &release, const ReleaseFile &file) {
  if (context_.cancelled.load(std::memory_order_relaxed)) {
    release.fail(0, "release", "ABORT_ERR");
    return false;
  }
  if (!is_beneath(file.name) || (!file.vouched && !is_beneath(file.copy.name))) {
    release.fail(EINVAL, "openat2");
    return false;
  }
  ReleasePlace *place = open_place(directory_of(file.name), release);
  if (place == nullptr) return false;
  const std::string_view directory = directory_of(file.copy.name);
  const Next &next = open_next(directory);
  return release.put_away(context_, temps_, *place, directory.empty() ? tiers_.next : next.fd.get(), next.error);
}

ReleasePlace *ReleaseBundle::open_place(std::string_view directory, FileRelease &release) {
  const auto found = places_.find(directory);
  if (found != places_.end()) return &found->second;
  Error error;
  ReleasePlace place;
  place.directory = open_directory(sys_, tiers_.root, std::string(directory), error);
  if (!place.directory) {
    if (error.number == ENOENT || error.number == ENOTDIR) {
      // Who removed the directory may not have lived to sync the one above it.
      ReleasePlace *above = open_place(directory_of(directory), release);
      if (above != nullptr) release.find_absent(*above);
    } else {
      release.refuse(ReleaseOutcome::failed, std::move(error));
    }
    return nullptr;
  }
  restore_left(sys_, temps_, restored_, place.directory);
  return &places_.emplace(directory, std::move(place)).first->second;
}

const ReleaseBundle::Next &ReleaseBundle::open_next(std::string_view directory) {
  const auto found = nexts_.find(directory);
  if (found != nexts_.end()) return found->second;
  Next &next = nexts_[std::string(directory)];
  if (directory.empty()) return next;
  next.fd = Fd(sys_, open_beneath(sys_, tiers_.next, std::string(directory), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!next.fd) next.error = errno;
  return next;
}

void ReleaseBundle::sync_places(std::vector<FileRelease> &releases) {
  for (const auto &entry : places_) {
    const ReleasePlace &place = entry.second;
    if (!place.touched || place.directory->is_volatile) continue;
    if (retry([&] { return sys_.fsync(place.directory->fd.get()); }) == 0) continue;
    const int number = errno;
    for (FileRelease &release : releases) {
      if (release.touched() == &place && is_done(release.result().outcome)) {
        release.fail(number, "fsync");
      }
    }
  }
}

}  // namespace susten
