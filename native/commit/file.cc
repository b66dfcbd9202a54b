#include "commit/file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "commit/finish.h"
#include "commit/metadata.h"
#include "copy/compare.h"
#include "copy/content.h"
#include "copy/fingerprint.h"
#include "sys/retry.h"
#include "sys/timestamp.h"

namespace susten {

namespace {

using Done = std::function<void(FileResult)>;

class FileCommit {
 public:
  FileCommit(Context &context, Commit &commit, const CopyOptions &options, const SourceFile &source, TargetFile target,
             Done done)
      : context_(context),
        sys_(context.sys),
        commit_(commit),
        options_(options),
        source_(source),
        target_(std::move(target)),
        done_(std::move(done)) {}

  void run() {
    if (context_.cancelled.load(std::memory_order_relaxed)) return fail(0, "copy", false, "ABORT_ERR");
    if (!open_source() || answered_by_existing()) return;
    // Another file has the source's name now: what was copied before is not an earlier state of it, and is kept.
    if (target_.expected && target_.known && is_other_file(sys_, in_.get(), st_, *target_.known, commit_.begun_ns)) {
      target_.expected->size = Expected::kNone;
    }
    Error error;
    if (!Temp::create(sys_, commit_.temps, target_.directory, mode_of(st_, options_), temp_, error)) {
      error.dest = target_.path;
      return fail_with(std::move(error));
    }
    // After the opening and before the first write: whoever has the lowest number was open before anyone wrote.
    const bool waits = waits_for_group(options_.durability, *target_.directory);
    const uint64_t opened = waits ? commit_.groups.opening() : 0;
    if (copy() && set_metadata() && verify()) finish(opened);
  }

 private:
  // Reports a failure and answers false, so that steps read as a chain.
  bool reject(int number, const char *syscall, bool at_target, const char *code = "") {
    fail(number, syscall, at_target, code);
    return false;
  }

  void fail(int number, const char *syscall, bool at_target, const char *code = "") {
    fail_with({.number = number,
               .code = code,
               .syscall = syscall,
               .path = at_target ? target_.path : source_.path,
               .dest = at_target ? std::string() : target_.path});
  }

  void fail_with(Error error) {
    result_.outcome = Outcome::failed;
    result_.error = std::move(error);
    in_.reset();
    temp_ = Temp();  // before anyone is told, so that who is told finds nothing left
    done_(std::move(result_));
  }

  bool open_source() {
    // Reading must not change what "last read" means to others; only the owner and root may ask for that.
    const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (source_.follow ? 0 : O_NOFOLLOW);
    const auto open = [&](int extra) {
      return retry([&] { return sys_.openat(source_.directory, source_.name.c_str(), flags | extra, 0); });
    };
    int fd = open(O_NOATIME);
    if (fd < 0 && errno == EPERM) fd = open(0);
    if (fd < 0) {
      const int number = errno;
      // ELOOP: a link; ENXIO: a socket.
      if ((number == ELOOP && !source_.follow) || number == ENXIO) {
        return reject(0, "openat", false, "ERR_SUSTEN_NOT_REGULAR");
      }
      return reject(number, "openat", false);
    }
    in_ = Fd(sys_, fd);
    if (retry([&] { return sys_.fstat(in_.get(), &st_); }) != 0) return reject(errno, "fstat", false);
    if (!S_ISREG(st_.st_mode)) return reject(0, "openat", false, "ERR_SUSTEN_NOT_REGULAR");
    if (wait_for_distinct_stamp(sys_, in_.get(), st_) && retry([&] { return sys_.fstat(in_.get(), &st_); }) != 0) {
      return reject(errno, "fstat", false);
    }
    result_.fingerprint = fingerprint_of(st_);
    if (source_.size && *source_.size != st_.st_size) return reject(0, "compare", false, "ERR_SUSTEN_CHANGED");
    if (options_.as) {
      st_.st_uid = options_.as->uid;
      st_.st_gid = options_.as->gid;
      st_.st_mode = S_IFREG | options_.as->mode;
    }
    return fits();
  }

  // A sparse file of exabytes costs its owner nothing, and whoever reads it for ever.
  bool fits() {
    const int number = could_hold(sys_, *target_.directory, st_.st_size);
    return number == 0 || reject(number, "fstatvfs", true);
  }

  // Some existing destinations make copying needless or wrong; true if `done` was called.
  bool answered_by_existing() {
    if (target_.existing == Existing::replace) return false;
    struct stat there {};
    const int dir = target_.directory->fd.get();
    if (retry([&] { return sys_.fstatat(dir, target_.name.c_str(), &there, AT_SYMLINK_NOFOLLOW); }) != 0) {
      return false;  // missing, or an error that the placing will meet again
    }
    if (target_.existing == Existing::refuse) return !reject(EEXIST, "copy", true);
    if (target_.existing == Existing::skip) return answer(Outcome::skipped);
    if (!S_ISREG(there.st_mode) || there.st_size != st_.st_size) return false;
    const Expected now{.size = there.st_size, .mtime_ns = to_ns(there.st_mtim)};
    if (target_.known && *target_.known == *result_.fingerprint && target_.expected &&
        target_.expected->size == now.size && target_.expected->mtime_ns == now.mtime_ns) {
      return same_as_known(now) || (target_.known_digest.empty() && same_as_existing());
    }
    // The same size and time: very likely a copy that was finished and not yet journaled. Reading both is cheaper
    // than writing, and proves it.
    if (now.mtime_ns != result_.fingerprint->mtime_ns) return false;
    return same_as_existing();
  }

  // Stores through a shared mapping change no time stamp once the page is dirty: what is announced again is read again.
  bool same_as_known(const Expected &now) {
    if (target_.known_digest.empty()) return false;
    int error = 0;
    const std::string digest = digest_of(context_, in_.get(), st_.st_size, error);
    struct stat after {};
    if (error != 0 || digest != target_.known_digest) return false;
    if (retry([&] { return sys_.fstat(in_.get(), &after); }) != 0) return false;
    if (fingerprint_of(after) != *result_.fingerprint) return false;
    result_.mtime_ns = now.mtime_ns;
    return answer(Outcome::unchanged);
  }

  // Only looks. What stands there is never changed: it may be a hard link that somebody made to another's file.
  bool same_as_existing() {
    const int dir = target_.directory->fd.get();
    const Fd there(sys_, retry([&] {
                     return sys_.openat(dir, target_.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
                   }));
    struct stat now {};
    if (!there || retry([&] { return sys_.fstat(there.get(), &now); }) != 0) return false;
    if (!has_metadata(st_, now, options_)) return false;
    sys_.setfl(there.get(), O_NOATIME);  // comparing isn't reading; refused only where the file is somebody else's
    int error = 0;
    const std::string ours = digest_of(context_, in_.get(), st_.st_size, error);
    if (error != 0) return false;
    if (digest_of(context_, there.get(), st_.st_size, error) != ours || error != 0) return false;
    struct stat after {};
    if (retry([&] { return sys_.fstat(in_.get(), &after); }) != 0) return false;
    if (fingerprint_of(after) != *result_.fingerprint) return false;
    // It may have been written a moment before a power cut; "copied" means durable.
    if (options_.durability != Durability::none && !target_.directory->is_volatile) {
      if (retry([&] { return sys_.fsync(there.get()); }) != 0) return !reject(errno, "fsync", true);
      if (retry([&] { return sys_.fsync(dir); }) != 0) return !reject(errno, "fsync", true);
      for (const DirectoryRef &parent : target_.parents) {
        if (retry([&] { return sys_.fsync(parent->fd.get()); }) != 0) return !reject(errno, "fsync", true);
      }
    }
    if (options_.verify != Verify::none) result_.digest = ours;
    result_.mtime_ns = to_ns(now.st_mtim);
    // What was placed and not yet told of may have left the name behind that it had before.
    commit_.temps.sweep(sys_, *target_.directory);
    return answer(Outcome::unchanged);
  }

  bool answer(Outcome outcome) {
    result_.outcome = outcome;
    in_.reset();
    done_(std::move(result_));
    return true;
  }

  bool copy() {
    const bool syncs = options_.durability != Durability::none && !target_.directory->is_volatile;
    const ContentPlan plan{.strategy = options_.strategy,
                           .digest = options_.verify == Verify::in_line || (options_.verify == Verify::readback &&
                                                                            (options_.strategy == Strategy::automatic ||
                                                                             options_.strategy == Strategy::readwrite)),
                           .write_behind = syncs};
    ContentResult content =
        copy_content(context_, commit_.strategies, in_.get(), temp_.fd(), st_, target_.directory->dev, plan);
    result_.strategy = content.strategy;
    struct stat after {};
    if (retry([&] { return sys_.fstat(in_.get(), &after); }) != 0) return reject(errno, "fstat", false);
    const bool changed = fingerprint_of(after) != *result_.fingerprint;
    const bool is_short = std::strcmp(content.code, "ERR_SUSTEN_SHORT") == 0;
    if (!content.ok() && !(is_short && changed)) {
      return reject(content.number, content.syscall, content.at_target, content.code);
    }
    if (changed) return reject(0, "compare", false, "ERR_SUSTEN_CHANGED");
    result_.digest = std::move(content.digest);
    result_.bytes = st_.st_size;
    return true;
  }

  bool set_metadata() {
    struct stat now {};
    if (retry([&] { return sys_.fstat(temp_.fd(), &now); }) != 0) return reject(errno, "fstat", true);
    if (now.st_size != st_.st_size) return reject(0, "copy", true, "ERR_SUSTEN_SHORT");
    if (options_.mode != Preserve::off && is_strangers(*target_.directory, owner_of(st_, options_))) {
      const MetadataResult dropped = drop_inherited(sys_, temp_.fd(), false);
      if (dropped.number != 0) return reject(dropped.number, dropped.syscall, true);
    }
    const MetadataResult metadata = apply_metadata(sys_, in_.get(), temp_.fd(), st_, now, options_);
    if (metadata.number != 0) return reject(metadata.number, metadata.syscall, true);
    return target_.existing != Existing::version || note_stamp();
  }

  // The time that the copy really has: some file systems cut it, and `times` may be off. It's how the copy is known
  // again.
  bool note_stamp() {
    struct stat now {};
    if (retry([&] { return sys_.fstat(temp_.fd(), &now); }) != 0) return reject(errno, "fstat", true);
    result_.mtime_ns = to_ns(now.st_mtim);
    return true;
  }

  // Reads the target again from the disk, not from memory, and compares.
  bool verify() {
    if (options_.verify != Verify::readback) return true;
    if (!target_.directory->is_volatile) {
      if (retry([&] { return sys_.fdatasync(temp_.fd()); }) != 0) return reject(errno, "fdatasync", true);
      // Only clean pages can be dropped; they are clean now.
      sys_.fadvise(temp_.fd(), 0, 0, POSIX_FADV_DONTNEED);
    }
    // Reading it back isn't what "last read" means; refused only where the file was given to somebody else.
    sys_.setfl(temp_.fd(), O_NOATIME);
    int error = 0;
    if (result_.digest.empty()) {
      result_.digest = digest_of(context_, in_.get(), st_.st_size, error);
      if (error > 0) return verify_failed(error, false);
      struct stat after {};
      if (retry([&] { return sys_.fstat(in_.get(), &after); }) != 0) return reject(errno, "fstat", false);
      if (fingerprint_of(after) != *result_.fingerprint) return reject(0, "compare", false, "ERR_SUSTEN_CHANGED");
      if (error != 0) return verify_failed(error, false);
    }
    const std::string back = digest_of(context_, temp_.fd(), st_.st_size, error);
    if (error != 0) return verify_failed(error, true);
    if (back != result_.digest) return reject(0, "verify", true, "ERR_SUSTEN_DIGEST");
    return true;
  }

  bool verify_failed(int error, bool at_target) {
    if (error > 0) return reject(error, "pread", at_target);
    const bool cancelled = context_.cancelled.load(std::memory_order_relaxed);
    return reject(0, "verify", at_target, cancelled ? "ABORT_ERR" : "ERR_SUSTEN_SHORT");
  }

  void finish(uint64_t opened) {
    in_.reset();
    const Unfinished file{.directory = target_.directory,
                          .parents = target_.parents,
                          .temp = temp_,
                          .name = target_.name,
                          .path = target_.path,
                          .existing = target_.existing,
                          .expected = target_.expected,
                          .size = st_.st_size,
                          .opened = opened};
    finish_file(context_, commit_, options_.durability, file, result_, done_);
  }

  Context &context_;
  Sys &sys_;
  Commit &commit_;
  const CopyOptions &options_;
  const SourceFile &source_;
  TargetFile target_;
  Done done_;
  Fd in_;
  Temp temp_;
  struct stat st_ {};
  FileResult result_;
};

}  // namespace

void commit_file(Context &context, Commit &commit, const CopyOptions &options, const SourceFile &source,
                 TargetFile target, Done done) {
  FileCommit(context, commit, options, source, std::move(target), std::move(done)).run();
}

}  // namespace susten
