#include "jobs/target_directories.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "commit/metadata.h"
#include "commit/new_directory.h"
#include "sys/beneath.h"
#include "sys/retry.h"

namespace susten {

namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// Each holds a descriptor.
constexpr size_t kMostOpened = 128;

std::vector<std::string> components(const std::string &path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Error failed_with(int number, const char *syscall, std::string path) {
  return {.number = number, .code = {}, .syscall = syscall, .path = std::move(path), .dest = {}};
}

}  // namespace

void TargetDirectories::set_roots(DirectoryRef target, Fd source, std::string source_path) {
  root_ = std::move(target);
  source_ = std::move(source);
  source_path_ = std::move(source_path);
}

TargetDirectories::Opened TargetDirectories::open(const std::string &target, const std::string &source,
                                                  Error &failure) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = opened_.find(target);
    if (found != opened_.end()) return found->second;
  }
  Opened opened = find(target, source, failure);
  if (!opened.directory) return opened;
  const std::lock_guard lock(mutex_);
  if (opened_.size() >= kMostOpened) opened_.clear();
  // Another worker may have been quicker: one shared object means one sync.
  return opened_.try_emplace(target, std::move(opened)).first->second;
}

void TargetDirectories::anchor(const Opened &opened) {
  if (opened.parents.empty()) return;
  anchored_.add(sys_, opened.directory->fd.get(), opened.directory->dev, opened.directory->ino);
}

TargetDirectories::Opened TargetDirectories::find(const std::string &target, const std::string &source,
                                                  Error &failure) {
  if (target.empty()) return {root_, {}};
  Fd fd(sys_, open_beneath(sys_, root_->fd.get(), target, kDirectoryFlags));
  if (fd) {
    struct stat st {};
    if (retry([&] { return sys_.fstat(fd.get(), &st); }) != 0) {
      failure = failed_with(errno, "fstat", join_path(root_->path, target));
      return {};
    }
    if (options_.durability == Durability::none || anchored_.contains(sys_, fd.get(), st.st_dev, st.st_ino)) {
      return {adopt_directory(sys_, std::move(fd), join_path(root_->path, target), st, *root_, failure), {}};
    }
  } else if (errno != ENOENT) {
    failure = failed_with(errno, "openat2", join_path(root_->path, target));
    return {};
  }
  // Step by step: to make what is missing, and to hold what must be synced.
  const std::vector<std::string> names = components(target);
  const std::vector<std::string> origins = components(source);
  DirectoryRef at = root_;
  std::vector<DirectoryRef> parents;
  for (size_t i = 0; i < names.size(); ++i) {
    // The last components of both paths are the same ones: replicated below the target.
    const size_t left = names.size() - 1 - i;
    std::string origin;
    for (size_t j = 0; j + left < origins.size(); ++j) origin = join_path(origin, origins[j]);
    parents.push_back(at);
    at = child(at, names[i], origin, failure);
    if (!at) return {};
  }
  std::reverse(parents.begin(), parents.end());
  return {at, std::move(parents)};
}

DirectoryRef TargetDirectories::child(const DirectoryRef &parent, const std::string &name, const std::string &source,
                                      Error &failure) {
  std::string path = join_path(parent->path, name);
  const auto open_it = [&] {
    return retry([&] { return sys_.openat(parent->fd.get(), name.c_str(), kDirectoryFlags, 0); });
  };
  Fd fd(sys_, open_it());
  if (!fd && errno == ENOENT) {
    if (!make(parent, name, source, failure)) return nullptr;
    fd = Fd(sys_, open_it());
  }
  if (!fd) {
    failure = failed_with(errno, "openat", std::move(path));
    return nullptr;
  }
  struct stat st {};
  if (retry([&] { return sys_.fstat(fd.get(), &st); }) != 0) {
    failure = failed_with(errno, "fstat", std::move(path));
    return nullptr;
  }
  return adopt_directory(sys_, std::move(fd), std::move(path), st, *root_, failure);
}

// Makes a directory with owner and mode of its origin. Another worker may make it at the same time.
bool TargetDirectories::make(const DirectoryRef &parent, const std::string &name, const std::string &source,
                             Error &failure) {
  const std::string path = join_path(parent->path, name);
  bool origin_failed = false;
  const auto furnish = [&](int made, const struct stat &now, const char *&syscall) {
    // What has no counterpart in the source is an ordinary directory.
    struct stat st = now;
    st.st_mode = S_IFDIR | 0755;
    Fd origin;
    if (!source.empty()) {
      syscall = "openat2";
      origin = Fd(sys_, open_beneath(sys_, source_.get(), source, kDirectoryFlags));
      // One that may be passed through but not read still tells its owner and mode.
      if (!origin && errno == EACCES) {
        origin = Fd(sys_, open_beneath(sys_, source_.get(), source, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      }
      origin_failed = true;
      if (!origin) return errno;
      syscall = "fstat";
      if (retry([&] { return sys_.fstat(origin.get(), &st); }) != 0) return errno;
      origin_failed = false;
    }
    CopyOptions options = options_;
    options.times = Preserve::off;  // they change with every file
    const MetadataResult metadata = apply_metadata(sys_, origin ? origin.get() : made, made, st, now, options);
    syscall = metadata.syscall;
    return metadata.number;
  };
  const NewDirectory made = make_directory(sys_, temps_, *parent, name, furnish);
  if (made.number == 0 || made.number == EEXIST) return true;
  failure = failed_with(made.number, made.syscall, origin_failed ? join_path(source_path_, source) : path);
  if (origin_failed) failure.dest = path;
  return false;
}

}  // namespace susten
