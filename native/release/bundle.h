// Releases some files together: all are put away, a moment passes, all are looked at again.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commit/directory_set.h"
#include "copy/context.h"
#include "release/file.h"
#include "release/tiers.h"

namespace susten {

// How many of `files` make one bundle: each holds a descriptor, and until all are read none is given back.
size_t bundle_of(std::span<const ReleaseFile> files);

class ReleaseBundle {
 public:
  // `restored`: see restore_left().
  ReleaseBundle(Context &context, const TempMemo &temps, DirectorySet &restored, const ReleaseTiers &tiers)
      : context_(context), sys_(context.sys), temps_(temps), restored_(restored), tiers_(tiers) {}

  // One result per file, in their order.
  std::vector<ReleaseResult> run(std::span<const ReleaseFile> files);

 private:
  // The copies' directory of a name, or why it can't be opened.
  struct Next {
    Fd fd;
    int error = 0;
  };

  bool put_away(FileRelease &release, const ReleaseFile &file);
  ReleasePlace *open_place(std::string_view directory, FileRelease &release);
  const Next &open_next(std::string_view directory);
  void sync_places(std::vector<FileRelease> &releases);

  Context &context_;
  Sys &sys_;
  const TempMemo &temps_;
  DirectorySet &restored_;
  const ReleaseTiers &tiers_;
  // By directory below the roots; found without a string of its own for each file.
  std::map<std::string, ReleasePlace, std::less<>> places_;
  std::map<std::string, Next, std::less<>> nexts_;
};

// Opens the directory `name` below `root`, which may be empty for the root itself; null and `failure` if it can't be.
DirectoryRef open_directory(Sys &sys, const DirectoryRef &root, const std::string &name, Error &failure);

}  // namespace susten
