// Releases some files together: all are put away, a moment passes, all are looked at again.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "commit/directory_set.h"
#include "copy/context.h"
#include "release/file.h"

namespace susten {

// How many of `files` make one bundle: each holds a descriptor, and until all are read none is given back.
size_t bundle_of(std::span<const ReleaseFile> files);

// What all bundles of a job share.
struct ReleaseTiers {
  DirectoryRef root;
  // Root of the next tier, and its path for messages.
  int next = -1;
  std::string next_path;
  // Directories are synced before a result is told.
  bool sync = false;
};

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
  ReleasePlace *open_place(const std::string &directory, FileRelease &release);
  const Next &open_next(const std::string &directory);
  void sync_places(std::vector<FileRelease> &releases);

  Context &context_;
  Sys &sys_;
  const TempMemo &temps_;
  DirectorySet &restored_;
  const ReleaseTiers &tiers_;
  // By directory below the roots.
  std::map<std::string, ReleasePlace> places_;
  std::map<std::string, Next> nexts_;
};

// Opens the directory `name` below `root`, which may be empty for the root itself; null and `failure` if it can't be.
DirectoryRef open_directory(Sys &sys, const DirectoryRef &root, const std::string &name, Error &failure);

}  // namespace susten
