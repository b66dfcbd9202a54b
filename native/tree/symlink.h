// Copies a symbolic link as a link.
#pragma once

#include <sys/stat.h>

#include <string>

#include "commit/place.h"
#include "commit/temp.h"
#include "copy/options.h"
#include "sys/error.h"
#include "sys/sys.h"

namespace susten {

struct LinkCopy {
  int source_dir;
  int target_dir;
  std::string name;
  std::string target_name;
  // Absolute.
  std::string source_path;
  std::string target_path;
  // Keep the text as it is; else relative ones are made absolute, as Node's fs.cp does.
  bool verbatim = false;
  Existing existing = Existing::replace;
};

struct LinkResult {
  Outcome outcome = Outcome::failed;
  Error error;
};

// Owner and times are carried as `options` says. An existing link is replaced atomically; anything else that stands
// there is an error (EEXIST), as for fs.cp.
LinkResult copy_symlink(Sys &sys, const TempMemo &temps, const LinkCopy &link, const CopyOptions &options);

}  // namespace susten
