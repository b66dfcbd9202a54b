// The release protocol for one file: look, guard, put away, look again, remove or put back.
//
// In two halves, so that time passes between them: whoever was in the middle of opening the file, and had found it
// under its name, is seen by the second look.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>

#include "copy/context.h"
#include "release/hiding_place.h"
#include "release/request.h"
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
  // `path` and `copy_path` are for messages. `file` must live as long.
  FileRelease(const ReleaseFile &file, std::string path, std::string copy_path)
      : file_(file), path_(std::move(path)), copy_path_(std::move(copy_path)) {}

  // First half: `next` is the open directory of the copy, or -1 and `next_error` tells why there is none. True: it was
  // put away, and conclude() must be called; false: result() is final.
  bool put_away(Context &context, const TempMemo &temps, ReleasePlace &place, const std::string &name, int next,
                int next_error);
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
  bool digest_matches(Context &context, int next, const std::string &name);
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

  const ReleaseFile &file_;
  std::string path_;
  std::string copy_path_;
  ReleasePlace *place_ = nullptr;
  const ReleasePlace *touched_ = nullptr;
  // Within its directory.
  std::string name_;
  // The original, with the lease on it.
  Fd fd_;
  struct stat st_ {};
  // What has the name is a link of an earlier release.
  bool is_link_ = false;
  ReleaseResult result_;
};

}  // namespace susten
