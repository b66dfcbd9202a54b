#include "commit/place.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "copy/compare.h"
#include "copy/fingerprint.h"
#include "sys/random_number.h"
#include "sys/read_link.h"
#include "sys/retry.h"
#include "sys/timestamp.h"

namespace susten {

namespace {

// Consecutive versions; somebody may have taken more names than anyone would want to try.
constexpr unsigned kCountedVersions = 256;
constexpr unsigned kVersionTries = kCountedVersions + 16;
constexpr int kRaceLimit = 16;
constexpr size_t kNameMax = 255;

class Placing {
 public:
  Placing(Context &context, const DirectoryRef &directory, Temp &temp, const std::string &name)
      : context_(context), sys_(context.sys), dir_(directory->fd.get()), temp_(temp), name_(name) {}

  Placement run(Existing existing, const std::optional<Expected> &expected, int64_t size) {
    // Another process may take or free the name between two steps: look again, a bounded number of times.
    for (int tries = 0; tries < kRaceLimit; ++tries) {
      const int error = create();
      if (error == 0) return done(Outcome::created);
      if (error != EEXIST) return fail(error, step_);
      if (existing == Existing::refuse) return fail(EEXIST, step_);
      if (existing == Existing::skip) return done(Outcome::skipped);
      std::optional<Placement> placed = over(existing, expected, size);
      if (placed) return std::move(*placed);
    }
    return fail(EBUSY, "renameat2");
  }

 private:
  static Placement done(Outcome outcome) {
    return {.outcome = outcome, .version = {}, .number = 0, .code = "", .syscall = ""};
  }
  static Placement fail(int number, const char *syscall, const char *code = "") {
    return {.outcome = Outcome::failed, .version = {}, .number = number, .code = code, .syscall = syscall};
  }

  // Takes the name if it is free: 0, EEXIST, or another errno, of `step_`.
  int create() {
    step_ = "linkat";
    if (!temp_.named()) return temp_.link_as(name_);
    step_ = "renameat2";
    if (retry([&] { return sys_.renameat2(dir_, temp_.name().c_str(), dir_, name_.c_str(), RENAME_NOREPLACE); }) == 0) {
      temp_.keep();
      return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // A file system without that flag (NFS, old SMB): a hard link refuses a taken name as well.
    step_ = "linkat";
    if (retry([&] { return sys_.linkat(dir_, temp_.name().c_str(), dir_, name_.c_str(), 0); }) == 0) {
      temp_.remove();
      return 0;
    }
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
    // Nor hard links (FAT, some FUSE): look, then rename. The gap can't be closed here.
    struct stat st {};
    step_ = "fstatat";
    if (retry([&] { return sys_.fstatat(dir_, name_.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) == 0) return EEXIST;
    if (errno != ENOENT) return errno;
    step_ = "renameat2";
    return rename_over() ? 0 : errno;
  }

  bool rename_over() {
    if (retry([&] { return sys_.renameat2(dir_, temp_.name().c_str(), dir_, name_.c_str(), 0); }) != 0) return false;
    temp_.keep();
    return true;
  }

  // The name is taken. Nothing: it became free meanwhile.
  std::optional<Placement> over(Existing existing, const std::optional<Expected> &expected, int64_t size) {
    if (!temp_.named()) {
      const int error = temp_.give_name();
      if (error != 0) return fail(error, "linkat");
    }
    struct stat st {};
    if (retry([&] { return sys_.fstatat(dir_, name_.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) != 0) {
      if (errno == ENOENT) return std::nullopt;
      return fail(errno, "fstatat");
    }
    if (S_ISDIR(st.st_mode)) return fail(EISDIR, "renameat2");
    if (existing == Existing::replace) {
      if (!rename_over()) return fail(errno, "renameat2");
      return done(Outcome::replaced);
    }
    if (is_own_copy(st, expected) || is_own_link(st, expected) || is_same(st, size)) return replace_looked_at(st);
    if (context_.cancelled.load(std::memory_order_relaxed)) return fail(0, "compare", "ABORT_ERR");
    return keep_version(st);
  }

  static bool is_own_copy(const struct stat &st, const std::optional<Expected> &expected) {
    return expected && S_ISREG(st.st_mode) && st.st_size == expected->size && to_ns(st.st_mtim) == expected->mtime_ns;
  }

  // Whoever put another in its place meanwhile has it kept: it is another inode.
  bool is_own_link(const struct stat &st, const std::optional<Expected> &expected) {
    if (!expected || expected->link.empty() || !S_ISLNK(st.st_mode)) return false;
    std::string text;
    return read_link(sys_, dir_, name_, text) && text == expected->link;
  }

  // Is what stands there the very content that we bring?
  bool is_same(const struct stat &st, int64_t size) {
    if (!S_ISREG(st.st_mode) || st.st_size != size) return false;
    const Fd there = open_looked_at(name_, st);
    if (!there) return false;
    // Comparing isn't reading; refused only where the file was given to somebody else.
    sys_.setfl(temp_.fd(), O_NOATIME);
    int error = 0;
    return same_content(context_, temp_.fd(), there.get(), size, error);
  }

  // Nothing if it is another file by now.
  Fd open_looked_at(const std::string &name, const struct stat &st) {
    Fd there(sys_,
             retry([&] { return sys_.openat(dir_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0); }));
    struct stat now {};
    if (!there || retry([&] { return sys_.fstat(there.get(), &now); }) != 0 || !is_one(st, now)) return {sys_, -1};
    sys_.setfl(there.get(), O_NOATIME);
    return there;
  }

  // Is what stands there kept under a versioned name already? As after a crash between two of our steps, or where the
  // source had the older file under such a name, and that was copied first. It must be the same in all: somebody else's
  // would be his to remove.
  bool is_kept(const struct stat &st, std::string &version) {
    if (!S_ISREG(st.st_mode)) return false;
    for (unsigned tries = 0; tries < kCountedVersions; ++tries) {
      version = version_name(name_, tries);
      struct stat other {};
      if (retry([&] { return sys_.fstatat(dir_, version.c_str(), &other, AT_SYMLINK_NOFOLLOW); }) != 0) return false;
      if (is_one(st, other)) return true;
      const bool is_alike = S_ISREG(other.st_mode) && other.st_size == st.st_size && other.st_uid == st.st_uid &&
                            other.st_gid == st.st_gid && other.st_mode == st.st_mode &&
                            to_ns(other.st_mtim) == to_ns(st.st_mtim);
      if (!is_alike) continue;
      const Fd ours = open_looked_at(name_, st);
      const Fd theirs = open_looked_at(version, other);
      int error = 0;
      if (ours && theirs && same_content(context_, ours.get(), theirs.get(), st.st_size, error)) return true;
    }
    return false;
  }

  // The same file with the same content as when it was looked at; the change of its name doesn't count.
  static bool is_one(const struct stat &before, const struct stat &after) {
    return before.st_dev == after.st_dev && before.st_ino == after.st_ino && before.st_size == after.st_size &&
           to_ns(before.st_mtim) == to_ns(after.st_mtim);
  }

  // Replaces what was found to be needed no more, and nothing that took its place since.
  std::optional<Placement> replace_looked_at(const struct stat &before) {
    if (retry([&] { return sys_.renameat2(dir_, temp_.name().c_str(), dir_, name_.c_str(), RENAME_EXCHANGE); }) != 0) {
      if (errno == ENOENT) return std::nullopt;
      if (errno != EINVAL && errno != ENOSYS) return fail(errno, "renameat2");
      // A file system that can't exchange: the gap can't be closed here.
      if (!rename_over()) return fail(errno, "renameat2");
      return done(Outcome::replaced);
    }
    struct stat after {};
    if (retry([&] { return sys_.fstatat(dir_, temp_.name().c_str(), &after, AT_SYMLINK_NOFOLLOW); }) != 0 ||
        !is_one(before, after)) {
      return keep_stranger();
    }
    temp_.remove();
    return done(Outcome::replaced);
  }

  // Keeps what stands there under a versioned name. First by a second link, so that a crash in the middle loses
  // nothing and the name is never missing; then by an exchange, so that what came out can be looked at.
  std::optional<Placement> keep_version(const struct stat &before) {
    std::string version;
    if (is_kept(before, version)) {
      std::optional<Placement> placed = replace_looked_at(before);
      return placed && placed->outcome == Outcome::replaced ? versioned(std::move(version)) : std::move(placed);
    }
    const int error = link_version(version);
    if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK) return move_to_version();
    if (error == ENOENT) return std::nullopt;
    if (error != 0) return fail(error, "linkat");
    if (retry([&] { return sys_.renameat2(dir_, temp_.name().c_str(), dir_, name_.c_str(), RENAME_EXCHANGE); }) != 0) {
      const int number = errno;
      if (number != EINVAL && number != ENOSYS) {
        retry([&] { return sys_.unlinkat(dir_, version.c_str(), 0); });
        if (number == ENOENT) return std::nullopt;
        return fail(number, "renameat2");
      }
      if (rename_over()) return versioned(std::move(version));
      const int failed = errno;
      retry([&] { return sys_.unlinkat(dir_, version.c_str(), 0); });
      return fail(failed, "renameat2");
    }
    // The hidden name now holds what the final name held. Another writer may have been quicker than we; what can't be
    // looked at is taken for another's.
    struct stat after {};
    if (retry([&] { return sys_.fstatat(dir_, temp_.name().c_str(), &after, AT_SYMLINK_NOFOLLOW); }) != 0 ||
        after.st_ino != before.st_ino || after.st_dev != before.st_dev) {
      return keep_stranger();
    }
    temp_.remove();
    return versioned(std::move(version));
  }

  // What came out isn't what was looked at: give it a versioned name of its own.
  Placement keep_stranger() {
    std::string version;
    for (unsigned tries = 0; tries < kVersionTries; ++tries) {
      version = version_name(name_, tries);
      if (retry([&] { return sys_.renameat2(dir_, temp_.name().c_str(), dir_, version.c_str(), RENAME_NOREPLACE); }) ==
          0) {
        temp_.keep();
        return versioned(std::move(version));
      }
      if (errno != EEXIST) break;
    }
    // No room for another name, say. An exchange needs none: the stranger gets its name back, and the copy is made
    // anew.
    const int number = errno;
    struct stat ours {};
    struct stat hidden {};
    const bool undone =
        retry([&] { return sys_.fstat(temp_.fd(), &ours); }) == 0 &&
        retry([&] { return sys_.renameat2(dir_, temp_.name().c_str(), dir_, name_.c_str(), RENAME_EXCHANGE); }) == 0 &&
        retry([&] { return sys_.fstatat(dir_, temp_.name().c_str(), &hidden, AT_SYMLINK_NOFOLLOW); }) == 0 &&
        ours.st_dev == hidden.st_dev && ours.st_ino == hidden.st_ino;
    // Else what is under the hidden name is somebody's: rather litter than loss.
    if (!undone) temp_.keep();
    return fail(number, "renameat2");
  }

  int link_version(std::string &version) {
    for (unsigned tries = 0; tries < kVersionTries; ++tries) {
      version = version_name(name_, tries);
      if (retry([&] { return sys_.linkat(dir_, name_.c_str(), dir_, version.c_str(), 0); }) == 0) return 0;
      if (errno != EEXIST) return errno;
    }
    return EEXIST;
  }

  // No hard links here: move the older file away, then take the name.
  std::optional<Placement> move_to_version() {
    for (unsigned tries = 0; tries < kVersionTries; ++tries) {
      std::string version = version_name(name_, tries);
      struct stat st {};
      if (retry([&] { return sys_.fstatat(dir_, version.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) == 0) continue;
      if (retry([&] { return sys_.renameat2(dir_, name_.c_str(), dir_, version.c_str(), RENAME_NOREPLACE); }) != 0) {
        if (errno == EEXIST) continue;
        if (errno == ENOENT) return std::nullopt;
        return fail(errno, "renameat2");
      }
      const int error = create();
      if (error == 0) return versioned(std::move(version));
      // The older file takes its name again, unless somebody has it by now.
      retry([&] { return sys_.renameat2(dir_, version.c_str(), dir_, name_.c_str(), RENAME_NOREPLACE); });
      return fail(error, step_);
    }
    return fail(EEXIST, "renameat2");
  }

  static Placement versioned(std::string version) {
    return {.outcome = Outcome::versioned, .version = std::move(version), .number = 0, .code = "", .syscall = ""};
  }

  Context &context_;
  Sys &sys_;
  int dir_;
  Temp &temp_;
  const std::string &name_;
  // The call that create() ended with.
  const char *step_ = "";
};

}  // namespace

std::string version_name(const std::string &name, unsigned tries) {
  std::array<char, 24> digits{};
  static_cast<void>(tries < kCountedVersions
                        ? std::snprintf(digits.data(), digits.size(), ".~%u~", tries + 1)
                        : std::snprintf(digits.data(), digits.size(), ".~%016" PRIx64 "~", random_number()));
  const std::string suffix = digits.data();
  return name.substr(0, kNameMax - suffix.size()) + suffix;
}

Placement place(Context &context, const DirectoryRef &directory, Temp &temp, const std::string &name, Existing existing,
                const std::optional<Expected> &expected, int64_t size) {
  return Placing(context, directory, temp, name).run(existing, expected, size);
}

}  // namespace susten
