// Reads a file of a release, to be sure of what is in it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "copy/context.h"

namespace susten {

enum class Content : uint8_t {
  right,      // has the digest
  wrong,      // has another one
  cut,        // there are fewer bytes than its size says
  awaited,    // given up: a writer waits for the lease
  cancelled,  // given up: the job is to end
  unread,     // see `number`
};

struct Verified {
  Content content = Content::right;
  // errno of `pread`.
  int number = 0;
};

// Compares a regular file that is open for reading, and whose fstat is `st`, with a digest. Who checks doesn't read:
// its time of last access stays. With `leased` a writer who waits for the lease on it is not let wait.
Verified verify(Context &context, int fd, const struct stat &st, const std::string &digest, bool leased);

}  // namespace susten
