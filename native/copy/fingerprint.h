// What identifies a version of a file's content without reading it.
#pragma once

#include <sys/stat.h>

#include <cstdint>

#include "sys/sys.h"

namespace susten {

struct Fingerprint {
  uint64_t dev = 0;
  uint64_t ino = 0;
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;

  bool operator==(const Fingerprint &) const = default;
};

Fingerprint fingerprint_of(const struct stat &st);

// Whether an open file is another one than the file of that fingerprint, not the same one written to again. An inode
// number may have been given to a new file: that was born after the fingerprint was taken. Where the file system keeps
// no such times (tmpfs before Linux 5.18), a machine that was started anew may have given all of them anew: then only a
// fingerprint of the same device counts that is younger than `since`, when this engine was opened. What can't be found
// out is taken for another file.
bool is_other_file(Sys &sys, int fd, const struct stat &st, const Fingerprint &known, int64_t since);

// A kernel that stamps times once per clock tick can't tell a write from an earlier one of the same tick. If the
// file was changed in the running tick, waits for the tick's end (at most 10 ms) and answers true: stat again.
// Since Linux 6.13 some file systems' stamps are finer once they have been looked at; there it never waits.
bool wait_for_distinct_stamp(Sys &sys, int fd, const struct stat &st);

}  // namespace susten
