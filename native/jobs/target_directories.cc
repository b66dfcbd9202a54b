#include "jobs/target_directories.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

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
// Each holds a descriptor. Of an engine's few jobs none takes much of what the process may have.
size_t most_opened() {
  constexpr size_t kMost = 128;
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kMost;
  return std::clamp<size_t>(limit.rlim_cur / 64, 8, kMost);
}

// Where the components of a path end: path.substr(0, ends[i]) is its first i + 1 components.
std::vector<size_t> ends_of(const std::string &path) {
  std::vector<size_t> ends;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at) ends.push_back(end);
    at = end + 1;
  }
  return ends;
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
  static const size_t most = most_opened();
  if (opened_.size() + above_.size() >= most) {
    opened_.clear();
    above_.clear();
  }
  // Another worker may have been quicker: one shared object means one sync.
  return opened_.try_emplace(target, std::move(opened)).first->second;
}

void TargetDirectories::anchor(const Opened &opened) {
  if (opened.parents.empty()) return;
  anchored_.add(sys_, opened.directory->fd.get(), opened.directory->dev, opened.directory->ino);
}

bool TargetDirectories::is_lasting(int fd, dev_t dev, ino_t ino) {
  return options_.durability == Durability::none || anchored_.contains(sys_, fd, dev, ino);
}

bool TargetDirectories::is_trusted(const Directory &directory) const {
  const uid_t uid = directory.uid;
  return !owner_ || uid == *owner_ || uid == 0 || uid == root_->uid || uid == ::geteuid();
}

DirectoryRef TargetDirectories::find_at_once(const std::string &target, Error &failure) {
  Fd fd(sys_, open_beneath(sys_, root_->fd.get(), target, kDirectoryFlags));
  if (!fd) {
    if (errno != ENOENT) failure = failed_with(errno, "openat2", join_path(root_->path, target));
    return nullptr;
  }
  struct stat st {};
  if (retry([&] { return sys_.fstat(fd.get(), &st); }) != 0) {
    failure = failed_with(errno, "fstat", join_path(root_->path, target));
    return nullptr;
  }
  if (!is_lasting(fd.get(), st.st_dev, st.st_ino)) return nullptr;
  return adopt_directory(sys_, std::move(fd), join_path(root_->path, target), st, *root_, failure);
}

TargetDirectories::Opened TargetDirectories::find(const std::string &target, const std::string &source,
                                                  Error &failure) {
  if (target.empty()) return {root_, {}};
  if (!owner_) {
    DirectoryRef found = find_at_once(target, failure);
    if (found || failure.failed()) return {std::move(found), {}};
  }
  // Step by step: to make what is missing, to look at owners, and to hold what must be synced.
  const std::vector<size_t> ends = ends_of(target);
  const std::vector<size_t> origins = ends_of(source);
  DirectoryRef at = root_;
  std::vector<DirectoryRef> parents;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (cancelled_.load(std::memory_order_relaxed)) {
      failure = {.number = 0, .code = "ABORT_ERR", .syscall = "copy", .path = root_->path, .dest = {}};
      return {};
    }
    // The last components of both paths are the same ones: replicated below the target. The layout's are the target's
    // alone.
    const size_t left = ends.size() - 1 - i;
    Origin origin;
    if (i >= layout_ && model_) {
      origin.model = &*model_;
    } else if (i >= layout_ && left < origins.size()) {
      origin.source = source.substr(0, origins[origins.size() - 1 - left]);
    }
    const size_t begin = i == 0 ? 0 : ends[i - 1] + 1;
    parents.push_back(at);
    at = step(at, target.substr(0, ends[i]), target.substr(begin, ends[i] - begin), origin, left == 0, failure);
    if (!at) return {};
    if (i >= layout_ && !is_trusted(*at)) {
      failure = failed_with(EPERM, "owner", at->path);
      return {};
    }
  }
  if (owner_ && is_lasting(at->fd.get(), at->dev, at->ino)) return {at, {}};
  std::reverse(parents.begin(), parents.end());
  return {at, std::move(parents)};
}

// One level down, through a directory that is open already if there is one.
DirectoryRef TargetDirectories::step(const DirectoryRef &parent, const std::string &path, const std::string &name,
                                     const Origin &origin, bool is_last, Error &failure) {
  if (!is_last) {
    const std::lock_guard lock(mutex_);
    const auto found = above_.find(path);
    if (found != above_.end()) return found->second;
  }
  DirectoryRef directory = child(parent, name, origin, failure);
  if (!directory || is_last) return directory;
  const std::lock_guard lock(mutex_);
  return above_.try_emplace(path, std::move(directory)).first->second;
}

DirectoryRef TargetDirectories::child(const DirectoryRef &parent, const std::string &name, const Origin &origin,
                                      Error &failure) {
  std::string path = join_path(parent->path, name);
  const auto open_it = [&] {
    return retry([&] { return sys_.openat(parent->fd.get(), name.c_str(), kDirectoryFlags, 0); });
  };
  Fd fd(sys_, open_it());
  if (!fd && errno == ENOENT) {
    if (!make(parent, name, origin, failure)) return nullptr;
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
bool TargetDirectories::make(const DirectoryRef &parent, const std::string &name, const Origin &origin,
                             Error &failure) {
  const std::string path = join_path(parent->path, name);
  Fd source;
  struct stat st {};
  const auto source_failed = [&](const char *syscall) {
    failure = failed_with(errno, syscall, join_path(source_path_, origin.source));
    failure.dest = path;
    return false;
  };
  if (!origin.source.empty()) {
    source = Fd(sys_, open_beneath(sys_, source_.get(), origin.source, kDirectoryFlags));
    // One that may be passed through but not read still tells its owner and mode.
    if (!source && errno == EACCES) {
      source =
          Fd(sys_, open_beneath(sys_, source_.get(), origin.source, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    if (!source) return source_failed("openat2");
    if (retry([&] { return sys_.fstat(source.get(), &st); }) != 0) return source_failed("fstat");
  } else if (origin.model != nullptr) {
    st = *origin.model;
  }
  const bool has_origin = source || origin.model != nullptr;
  const uid_t owner = has_origin ? owner_of(st, options_) : ::geteuid();
  const auto furnish = [&](int made, const struct stat &now, const char *&syscall) {
    // What has no origin is an ordinary directory.
    if (!has_origin) {
      st = now;
      st.st_mode = S_IFDIR | 0755;
    }
    CopyOptions options = options_;
    options.times = Preserve::off;  // they change with every file
    const MetadataResult metadata = apply_metadata(sys_, source ? source.get() : made, made, st, now, options);
    syscall = metadata.syscall;
    return metadata.number;
  };
  const NewDirectory made = make_directory(sys_, temps_, *parent, name, owner, furnish);
  if (made.number == 0 || made.number == EEXIST) return true;
  failure = failed_with(made.number, made.syscall, path);
  return false;
}

}  // namespace susten
