// Reads content to compare it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "copy/context.h"

namespace susten {

struct DigestPlan {
  // Holes are asked for and not read; where they can't be told, all is read.
  bool skip_holes = false;
  // Asked every 4 MiB; true: give up. May be empty.
  std::function<bool()> must_stop;
};

// Digests `size` bytes of `fd` from its start; `error` is 0, an errno or -1 when cancelled, stopped or short.
std::string digest_of(Context &context, int fd, int64_t size, int &error, const DigestPlan &plan = {});

// True if both files hold the same `size` bytes; `error` as above.
bool same_content(Context &context, int left, int right, int64_t size, int &error);

}  // namespace susten
