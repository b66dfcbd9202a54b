// Owner, mode, extended attributes and times of a copy.
#pragma once

#include <sys/stat.h>

#include "commit/directory.h"
#include "copy/options.h"
#include "sys/sys.h"

namespace susten {

struct MetadataResult {
  int number = 0;
  const char *syscall = "";
};

// Carries the metadata in `st` (and the attributes of `in`, if asked) to `out`, in the order that keeps each from
// undoing another: owner, mode, attributes and ACLs, times. setuid and setgid are never carried. `now` is `out` as
// created, so that an owner that is right already costs no call.
MetadataResult apply_metadata(Sys &sys, int in, int out, const struct stat &st, const struct stat &now,
                              const CopyOptions &options);

// Whether what lies in `directory` belongs to somebody else than its owner: `owner` isn't the directory's, nor is that
// us or root. A default ACL of such a directory would let its owner into what is made there.
bool is_strangers(const Directory &directory, uid_t owner);
// The owner that a copy of `st` gets, if it can.
uid_t owner_of(const struct stat &st, const CopyOptions &options);
// Takes from a new file or directory the ACLs that it inherited.
MetadataResult drop_inherited(Sys &sys, int fd, bool is_directory);

// The mode that a copy of `st` gets.
mode_t mode_of(const struct stat &st, const CopyOptions &options);

// Whether `now` already has what apply_metadata would carry from `st`. Attributes aren't looked at: false if asked for.
// What is only tried doesn't count.
bool has_metadata(const struct stat &st, const struct stat &now, const CopyOptions &options);

}  // namespace susten
