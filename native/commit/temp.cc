#include "commit/temp.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <utility>
#include <vector>

#include "sys/entries.h"
#include "sys/random_number.h"
#include "sys/retry.h"
#include "sys/temp_name.h"

namespace susten {

namespace {

constexpr mode_t kPrivate = 0600;
constexpr int kNameTries = 16;
constexpr int kRemoveTries = 3;

// Tells this process's names from a dead one's.
uint64_t process_number() {
  static const uint64_t number = random_number();
  return number;
}

std::string hex(uint64_t number) {
  std::array<char, 24> digits{};
  static_cast<void>(std::snprintf(digits.data(), digits.size(), "%016" PRIx64, number));
  return digits.data();
}

// "Not here" rather than "not now".
bool lacks_unnamed_files(int error) {
  return error == EOPNOTSUPP || error == EISDIR || error == EINVAL || error == ENOSYS || error == ENOENT ||
         error == EXDEV || error == EPERM;
}

int link_unnamed(Sys &sys, int fd, int dir, const std::string &name) {
  // By descriptor needs CAP_DAC_READ_SEARCH before Linux 6.10; by /proc needs /proc.
  if (retry([&] { return sys.linkat(fd, "", dir, name.c_str(), AT_EMPTY_PATH); }) == 0) return 0;
  if (errno != ENOENT) return errno;
  std::array<char, 32> path{};
  static_cast<void>(std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd));
  if (retry([&] { return sys.linkat(AT_FDCWD, path.data(), dir, name.c_str(), AT_SYMLINK_FOLLOW); }) == 0) return 0;
  return errno;
}

int open_unnamed(Sys &sys, int dir, mode_t mode) {
  return retry([&] { return sys.openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode); });
}

// Removes a hidden name; 0 or errno. More than once, since a leftover stays for long.
int remove_name(Sys &sys, int dir, const std::string &name) {
  for (int tries = 1;; ++tries) {
    if (retry([&] { return sys.unlinkat(dir, name.c_str(), 0); }) == 0 || errno == ENOENT) return 0;
    if (tries == kRemoveTries) return errno;
  }
}

struct Probe {
  int number = 0;
  const char *syscall = "";
};

// Finds out, once per device, whether an unnamed file can be made and named here. Fails only with what says nothing
// about the file system (ENOSPC, EIO, EMFILE, …).
Probe probe(Sys &sys, TempMemo &memo, const Directory &directory) {
  const Fd fd(sys, open_unnamed(sys, directory.fd.get(), kPrivate));
  if (!fd) {
    if (!lacks_unnamed_files(errno)) return {errno, "openat"};
    memo.set(directory.dev, TempMemo::Unnamed::fails);
    return {};
  }
  const std::string name = memo.name();
  const int error = link_unnamed(sys, fd.get(), directory.fd.get(), name);
  if (error == 0) {
    remove_name(sys, directory.fd.get(), name);
    memo.set(directory.dev, TempMemo::Unnamed::works);
    return {};
  }
  if (!lacks_unnamed_files(error)) return {error, "linkat"};
  memo.set(directory.dev, TempMemo::Unnamed::fails);
  return {};
}

}  // namespace

TempMemo::Unnamed TempMemo::get(dev_t dev) {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(dev);
  return found == answers_.end() ? Unnamed::unknown : found->second;
}

void TempMemo::set(dev_t dev, Unnamed answer) {
  const std::lock_guard lock(mutex_);
  answers_[dev] = answer;
}

std::string TempMemo::name() const {
  std::string name(kTempPrefix);
  if (!tag_.empty()) name.append(tag_).append(1, '-').append(hex(process_number())).append(1, '-');
  // Unguessable, so that a hostile user can't occupy the next ones.
  return name.append(hex(random_number())).append(kTempSuffix);
}

bool TempMemo::is_leftover(const std::string &name) const {
  if (tag_.empty() || !is_temp_name(name)) return false;
  const std::string prefix = std::string(kTempPrefix) + tag_ + "-";
  return name.starts_with(prefix) && !name.starts_with(prefix + hex(process_number()));
}

void TempMemo::sweep(Sys &sys, const Directory &directory) {
  if (tag_.empty() || !swept_.add(sys, directory.fd.get(), directory.dev, directory.ino)) return;
  const Fd fd(sys, retry([&] { return sys.openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); }));
  if (!fd) return;  // a leftover is litter, not a danger
  std::vector<TreeEntry> entries;
  while (read_entries(sys, fd.get(), false, entries) > 0) {
    for (const TreeEntry &entry : entries) {
      if (!is_leftover(entry.name)) continue;
      const int flags = entry.kind == Kind::directory ? AT_REMOVEDIR : 0;
      retry([&] { return sys.unlinkat(directory.fd.get(), entry.name.c_str(), flags); });
    }
    entries.clear();
  }
}

Temp::Temp(Temp &&other) noexcept
    : sys_(other.sys_),
      memo_(other.memo_),
      directory_(std::move(other.directory_)),
      fd_(std::move(other.fd_)),
      name_(std::exchange(other.name_, {})) {}

Temp &Temp::operator=(Temp &&other) noexcept {
  if (this != &other) {
    if (named()) remove();
    sys_ = other.sys_;
    memo_ = other.memo_;
    directory_ = std::move(other.directory_);
    fd_ = std::move(other.fd_);
    name_ = std::exchange(other.name_, {});
  }
  return *this;
}

Temp::~Temp() {
  if (named()) remove();
}

bool Temp::create(Sys &sys, TempMemo &memo, const DirectoryRef &directory, mode_t mode, Temp &temp, Error &failure) {
  temp = Temp();
  temp.sys_ = &sys;
  temp.memo_ = &memo;
  temp.directory_ = directory;
  const auto fail = [&](int number, const char *syscall) {
    failure = {.number = number, .code = {}, .syscall = syscall, .path = directory->path, .dest = {}};
    return false;
  };
  bool unnamed = directory->has_unnamed.load(std::memory_order_relaxed);
  if (!unnamed) {
    if (memo.get(directory->dev) == TempMemo::Unnamed::unknown) {
      const Probe probed = probe(sys, memo, *directory);
      if (probed.number != 0) return fail(probed.number, probed.syscall);
    }
    unnamed = memo.get(directory->dev) == TempMemo::Unnamed::works;
    if (unnamed) directory->has_unnamed.store(true, std::memory_order_relaxed);
  }
  if (unnamed) {
    temp.fd_ = Fd(sys, open_unnamed(sys, directory->fd.get(), mode));
    if (temp.fd_) return true;
    if (!lacks_unnamed_files(errno)) return fail(errno, "openat");
    // This directory is an exception (a mount below the target, say): use a named file.
  }
  memo.sweep(sys, *directory);
  for (int tries = 0;; ++tries) {
    std::string name = memo.name();
    temp.fd_ = Fd(sys, retry([&] {
                    return sys.openat(directory->fd.get(), name.c_str(),
                                      O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, kPrivate);
                  }));
    if (temp.fd_) {
      temp.name_ = std::move(name);
      return true;
    }
    if (errno != EEXIST || tries == kNameTries) return fail(errno, "openat");
  }
}

int Temp::link_as(const std::string &name) { return link_unnamed(*sys_, fd_.get(), directory_->fd.get(), name); }

int Temp::give_name() {
  memo_->sweep(*sys_, *directory_);
  for (int tries = 0;; ++tries) {
    std::string name = memo_->name();
    const int error = link_as(name);
    if (error == 0) {
      name_ = std::move(name);
      return 0;
    }
    if (error != EEXIST || tries == kNameTries) return error;
  }
}

int Temp::remove() {
  const int error = remove_name(*sys_, directory_->fd.get(), name_);
  name_.clear();
  return error;
}

}  // namespace susten
