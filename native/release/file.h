// The release protocol for one file: look, guard, put away, look again, remove or put back.
//
// In two halves, so that time passes between them: whoever was in the middle of opening the file, and had found it
// under its name, is seen by the second look.
#pragma once

#include <sys/stat.h>

#include <string>

#include "copy/context.h"
#include "release/hiding_place.h"
#include "release/request.h"
#include "release/tiers.h"
#include "sys/fd.h"

namespace susten {

// A directory with files to release.
struct ReleasePlace {
  DirectoryRef directory;
  // Made when the first file needs it.
  HidingPlace hiding;
  // Something was put away here, by us or by a process that died before it synced: what has changed must be synced.
  bool touched = false;
};

class FileRelease {
 public:
  // Both must live as long.
  FileRelease(const ReleaseFile &file, const ReleaseTiers &tiers) : file_(file), tiers_(tiers) {}

  // First half: `next` is the open directory of the copy, or -1 and `next_error` tells why there is none. True: it was
  // put away, and conclude() must be called; false: result() is final.
  bool put_away(Context &context, const TempMemo &temps, ReleasePlace &place, int next, int next_error);
  // Ends it before anything was done: its directory is gone. `place` is the lowest one above it that is there.
  void find_absent(ReleasePlace &place);
  // Second half.
  void conclude(Context &context);
  // Ends it before anything was done.
  void refuse(ReleaseOutcome outcome, Error error = {});
  void fail(int number, const char *syscall, const char *code = "");

  // The place it was put away in, or found to be done in; null if there is none.
  [[nodiscard]] const ReleasePlace *touched() const { return touched_; }
  [[nodiscard]] ReleaseResult &result() { return result_; }

 private:
  bool open_original(Context &context);
  bool look_at_link(Context &context);
  [[nodiscard]] bool is_known(const struct stat &st) const;
  bool look_at_copy(Context &context, int next, int next_error);
  bool copy_not_opened(Sys &sys, int next, const char *name, int number);
  bool copy_not_found(int number, const char *syscall);
  bool digest_matches(Context &context, const Fd &copy, const struct stat &st);
  bool guard(Context &context);
  bool holds_known(Context &context);
  bool make_hiding(Context &context, const TempMemo &temps);
  bool exchange(Context &context);
  bool move_away(Context &context);
  bool dress_link(Context &context, const char *&syscall) const;
  bool not_moved(int number);
  bool look_again(Context &context, ReleaseOutcome &otherwise, Error &error);
  // It was done before, perhaps by a process that couldn't sync it any more.
  bool find_done(ReleaseOutcome outcome, ReleasePlace &place);
  bool answer(ReleaseOutcome outcome);
  bool reject(int number, const char *syscall, const char *code = "");
  // The same, about the copy.
  bool reject_copy(int number, const char *syscall, const char *code = "");
  // For messages: most files need none.
  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string copy_path() const;

  const ReleaseFile &file_;
  const ReleaseTiers &tiers_;
  ReleasePlace *place_ = nullptr;
  const ReleasePlace *touched_ = nullptr;
  // Within its directory: the end of the file's own.
  const char *name_ = "";
  // The original, with the lease on it.
  Fd fd_;
  struct stat st_ {};
  // What has the name is a link of an earlier release.
  bool is_link_ = false;
  ReleaseResult result_;
};

}  // namespace susten
