#include "release/file.h"

#include <fcntl.h>
#include <linux/fs.h>

#include <cerrno>
#include <utility>

#include "release/lease.h"
#include "release/put_back.h"
#include "release/verify.h"
#include "sys/read_link.h"
#include "sys/retry.h"
#include "sys/timestamp.h"

namespace susten {

namespace {

constexpr int64_t kBlock = 512;  // of st_blocks, whatever the file system's own
constexpr const char *kNoRelease = "ERR_SUSTEN_NO_RELEASE";

bool is_same_version(const struct stat &before, const struct stat &after) {
  return before.st_dev == after.st_dev && before.st_ino == after.st_ino && before.st_size == after.st_size &&
         to_ns(before.st_mtim) == to_ns(after.st_mtim);
}

// "Not here" rather than "not now".
bool is_never_allowed(int number) {
  return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP || number == EPERM || number == EACCES ||
         number == ENOLCK;
}

// The last component of a path.
const char *last_name(const std::string &path) { return path.c_str() + path.rfind('/') + 1; }

}  // namespace

bool FileRelease::answer(ReleaseOutcome outcome) {
  result_.outcome = outcome;
  fd_.reset();
  return false;
}

std::string FileRelease::path() const { return join_path(tiers_.root->path, file_.name); }
std::string FileRelease::copy_path() const { return join_path(tiers_.next_path, file_.copy.name); }

bool FileRelease::reject(int number, const char *syscall, const char *code) {
  result_.error = {.number = number, .code = code, .syscall = syscall, .path = path(), .dest = {}};
  return answer(ReleaseOutcome::failed);
}

bool FileRelease::reject_copy(int number, const char *syscall, const char *code) {
  result_.error = {.number = number, .code = code, .syscall = syscall, .path = copy_path(), .dest = {}};
  return answer(ReleaseOutcome::failed);
}

void FileRelease::fail(int number, const char *syscall, const char *code) { reject(number, syscall, code); }

void FileRelease::refuse(ReleaseOutcome outcome, Error error) {
  result_.error = std::move(error);
  answer(outcome);
}

bool FileRelease::find_done(ReleaseOutcome outcome, ReleasePlace &place) {
  place.touched = true;
  touched_ = &place;
  return answer(outcome);
}

void FileRelease::find_absent(ReleasePlace &place) { find_done(ReleaseOutcome::absent, place); }

bool FileRelease::put_away(Context &context, const TempMemo &temps, ReleasePlace &place, int next, int next_error) {
  place_ = &place;
  name_ = last_name(file_.name);
  if (!open_original(context)) return false;
  if (is_link_) return make_hiding(context, temps) && move_away(context);
  if (!is_known(st_)) return answer(ReleaseOutcome::changed);
  if (!look_at_copy(context, next, next_error) || !guard(context) || !holds_known(context)) return false;
  if (!make_hiding(context, temps)) return false;
  return file_.by == ReleaseBy::link ? exchange(context) : move_away(context);
}

bool FileRelease::open_original(Context &context) {
  Sys &sys = context.sys;
  const int dir = place_->directory->fd.get();
  fd_ = Fd(sys, retry([&] { return sys.openat(dir, name_, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0); }));
  if (!fd_) {
    switch (errno) {
      case ENOENT:
        return find_done(ReleaseOutcome::absent, *place_);
      case ELOOP:
        return look_at_link(context);
      case EAGAIN:  // another program's lease
        return answer(ReleaseOutcome::busy);
      case ENXIO:  // a socket, a device
      case ENODEV:
        return answer(ReleaseOutcome::changed);
      default:
        return reject(errno, "openat");
    }
  }
  if (retry([&] { return sys.fstat(fd_.get(), &st_); }) != 0) return reject(errno, "fstat");
  return S_ISREG(st_.st_mode) || answer(ReleaseOutcome::changed);
}

bool FileRelease::look_at_link(Context &context) {
  std::string text;
  if (!read_link(context.sys, place_->directory->fd.get(), name_, text)) {
    if (errno == ENOENT || errno == EINVAL) return answer(ReleaseOutcome::changed);
    return reject(errno, "readlinkat");
  }
  if (file_.link.empty() || text != file_.link) return answer(ReleaseOutcome::changed);
  if (file_.by == ReleaseBy::link) return find_done(ReleaseOutcome::already, *place_);
  if (file_.by != ReleaseBy::clear) return answer(ReleaseOutcome::changed);
  is_link_ = true;
  return true;
}

bool FileRelease::is_known(const struct stat &st) const {
  const ReleaseFile::Known &known = file_.known;
  return st.st_size == known.size && to_ns(st.st_mtim) == known.mtime_ns && (!known.ino || st.st_ino == *known.ino) &&
         (!known.ctime_ns || to_ns(st.st_ctim) == *known.ctime_ns);
}

// With a digest it is opened, and what is open tells all that its name would; without one it needn't be readable.
bool FileRelease::look_at_copy(Context &context, int next, int next_error) {
  if (file_.vouched) return true;
  if (next < 0) return copy_not_found(next_error, "openat2");
  Sys &sys = context.sys;
  const char *name = last_name(file_.copy.name);
  const bool is_read = !file_.copy.digest.empty();
  Fd copy;
  struct stat st {};
  if (is_read) {
    constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    copy = Fd(sys, retry([&] { return sys.openat(next, name, kFlags, 0); }));
    if (!copy) return copy_not_opened(sys, next, name, errno);
    if (retry([&] { return sys.fstat(copy.get(), &st); }) != 0) return reject_copy(errno, "fstat");
  } else if (retry([&] { return sys.fstatat(next, name, &st, AT_SYMLINK_NOFOLLOW); }) != 0) {
    return copy_not_found(errno, "fstatat");
  }
  if (!S_ISREG(st.st_mode) || st.st_size != file_.copy.size || to_ns(st.st_mtim) != file_.copy.mtime_ns) {
    return answer(ReleaseOutcome::missing);
  }
  // A copy that is the file itself is none: both roots may lead to one directory, and names may be links of one file.
  if (st.st_dev == st_.st_dev && st.st_ino == st_.st_ino) return answer(ReleaseOutcome::missing);
  return !is_read || digest_matches(context, copy, st);
}

// Links, sockets and some devices can't be opened, for one reason or another.
bool FileRelease::copy_not_opened(Sys &sys, int next, const char *name, int number) {
  struct stat st {};
  const bool is_there = retry([&] { return sys.fstatat(next, name, &st, AT_SYMLINK_NOFOLLOW); }) == 0;
  return is_there && !S_ISREG(st.st_mode) ? answer(ReleaseOutcome::missing) : copy_not_found(number, "openat");
}

bool FileRelease::copy_not_found(int number, const char *syscall) {
  const bool is_gone = number == ENOENT || number == ENOTDIR;
  return is_gone ? answer(ReleaseOutcome::missing) : reject_copy(number, syscall);
}

bool FileRelease::digest_matches(Context &context, const Fd &copy, const struct stat &st) {
  const Verified verified = verify(context, copy.get(), st, file_.copy.digest, false);
  switch (verified.content) {
    case Content::right:
      return true;
    case Content::unread:
      return reject_copy(verified.number, "pread");
    case Content::cancelled:
      return reject_copy(0, "release", "ABORT_ERR");
    case Content::wrong:
    case Content::cut:
    case Content::awaited:
      break;
  }
  reject_copy(0, "verify", verified.content == Content::cut ? "ERR_SUSTEN_SHORT" : "ERR_SUSTEN_DIGEST");
  return answer(ReleaseOutcome::missing);
}

// From here on nobody writes to the file without being noticed.
bool FileRelease::guard(Context &context) {
  const char *syscall = "";
  const int error = take_lease(context.sys, fd_.get(), syscall);
  if (error != 0) {
    // Network file systems say "try again" where they mean "never".
    if (is_never_allowed(error) || (error == EAGAIN && place_->directory->is_remote)) {
      return reject(error, syscall, kNoRelease);
    }
    return error == EAGAIN ? answer(ReleaseOutcome::busy) : reject(error, syscall);
  }
  // Somebody may have written, and closed the file, in between.
  struct stat now {};
  if (retry([&] { return context.sys.fstat(fd_.get(), &now); }) != 0) return reject(errno, "fstat");
  st_ = now;
  return is_known(now) || answer(ReleaseOutcome::changed);
}

// Stores through a shared mapping change no time stamp once the page is dirty, and who can set a time stamp can set it
// back: what goes is compared with what is kept. Nobody writes meanwhile.
bool FileRelease::holds_known(Context &context) {
  if (file_.known.digest.empty()) return true;
  const Verified verified = verify(context, fd_.get(), st_, file_.known.digest, true);
  switch (verified.content) {
    case Content::right:
      return true;
    case Content::wrong:
      return answer(ReleaseOutcome::changed);
    case Content::awaited:
      return answer(ReleaseOutcome::busy);
    case Content::cut:
      return reject(0, "verify", "ERR_SUSTEN_SHORT");
    case Content::cancelled:
      return reject(0, "release", "ABORT_ERR");
    case Content::unread:
      break;
  }
  return reject(verified.number, "pread");
}

bool FileRelease::make_hiding(Context &context, const TempMemo &temps) {
  if (place_->hiding) return true;
  const char *syscall = "";
  const int error = place_->hiding.make(context.sys, temps, place_->directory, syscall);
  return error == 0 || reject(error, syscall);
}

// Why the name could not be moved.
bool FileRelease::not_moved(int number) {
  if (number == ENOENT) return find_done(ReleaseOutcome::absent, *place_);
  const bool unsupported = number == EINVAL || number == ENOSYS || number == EOPNOTSUPP;
  return reject(number, "renameat2", unsupported ? kNoRelease : "");
}

bool FileRelease::exchange(Context &context) {
  Sys &sys = context.sys;
  const int hiding = place_->hiding.fd();
  if (retry([&] { return sys.symlinkat(file_.link.c_str(), hiding, name_); }) != 0) {
    return reject(errno, "symlinkat");
  }
  const char *syscall = "";
  const int dir = place_->directory->fd.get();
  const bool dressed = dress_link(context, syscall);
  if (!dressed || retry([&] { return sys.renameat2(hiding, name_, dir, name_, RENAME_EXCHANGE); }) != 0) {
    const int number = errno;
    remove_hidden(sys, hiding, name_);
    return dressed ? not_moved(number) : reject(number, syscall);
  }
  place_->touched = true;
  touched_ = place_;
  return true;
}

// The link belongs to the file's owner, who may remove it like the file, and is as old.
bool FileRelease::dress_link(Context &context, const char *&syscall) const {
  Sys &sys = context.sys;
  const int hiding = place_->hiding.fd();
  const struct timespec times[2] = {st_.st_atim, st_.st_mtim};
  syscall = "utimensat";
  if (retry([&] { return sys.utimensat(hiding, name_, times, AT_SYMLINK_NOFOLLOW); }) != 0) return false;
  syscall = "fchownat";
  return retry([&] { return sys.fchownat(hiding, name_, st_.st_uid, st_.st_gid, AT_SYMLINK_NOFOLLOW); }) == 0 ||
         errno == EPERM;
}

bool FileRelease::move_away(Context &context) {
  if (retry([&] {
        return context.sys.renameat2(place_->directory->fd.get(), name_, place_->hiding.fd(), name_, RENAME_NOREPLACE);
      }) != 0) {
    return not_moved(errno);
  }
  place_->touched = true;
  touched_ = place_;
  return true;
}

// Whether what was put away is what was looked at before, and nobody waits to write to it.
bool FileRelease::look_again(Context &context, ReleaseOutcome &otherwise, Error &error) {
  Sys &sys = context.sys;
  const auto failed = [&](int number, const char *syscall) {
    otherwise = ReleaseOutcome::failed;
    error = {.number = number, .code = {}, .syscall = syscall, .path = path(), .dest = {}};
    return false;
  };
  otherwise = ReleaseOutcome::changed;
  const int hiding = place_->hiding.fd();
  if (is_link_) {
    std::string text;
    if (read_link(sys, hiding, name_, text)) return text == file_.link;
    return errno != EINVAL && failed(errno, "readlinkat");
  }
  struct stat st {};
  if (retry([&] { return sys.fstatat(hiding, name_, &st, AT_SYMLINK_NOFOLLOW); }) != 0) {
    return failed(errno, "fstatat");
  }
  if (!is_same_version(st_, st)) return false;
  st_ = st;
  const int broken = check_lease(sys, fd_.get());
  if (broken == 0) return true;
  if (broken != EAGAIN) return failed(broken, "getlease");
  otherwise = ReleaseOutcome::busy;
  return false;
}

void FileRelease::conclude(Context &context) {
  Sys &sys = context.sys;
  const int hiding = place_->hiding.fd();
  ReleaseOutcome otherwise = ReleaseOutcome::failed;
  Error error;
  if (look_again(context, otherwise, error)) {
    if (retry([&] { return sys.unlinkat(hiding, name_, 0); }) == 0) {
      if (!is_link_ && st_.st_nlink == 1) result_.bytes = st_.st_blocks * kBlock;
      answer(ReleaseOutcome::released);
      return;
    }
    otherwise = ReleaseOutcome::failed;
    error = {.number = errno, .code = {}, .syscall = "unlinkat", .path = path(), .dest = {}};
  }
  static const std::string none;
  const int stuck =
      put_back(sys, place_->directory->fd.get(), hiding, name_, file_.by == ReleaseBy::link ? &file_.link : &none);
  if (stuck != 0) {
    // Rather litter than loss: it stays where it is until the next start, and the error says where.
    otherwise = ReleaseOutcome::failed;
    error = {.number = stuck,
             .code = {},
             .syscall = "renameat2",
             .path = path(),
             .dest = join_path(join_path(place_->directory->path, place_->hiding.name()), name_)};
  }
  refuse(otherwise, std::move(error));
}

}  // namespace susten
