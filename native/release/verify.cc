#include "release/verify.h"

#include <fcntl.h>

#include <cerrno>

#include "copy/compare.h"
#include "release/lease.h"

namespace susten {

namespace {

constexpr int64_t kBlock = 512;  // of st_blocks, whatever the file system's own

}  // namespace

Verified verify(Context &context, int fd, const struct stat &st, const std::string &digest, bool leased) {
  context.sys.setfl(fd, O_NOATIME);  // refused only where the file is somebody else's
  bool is_awaited = false;
  DigestPlan plan{.skip_holes = st.st_blocks * kBlock < st.st_size, .must_stop = {}};
  if (leased) plan.must_stop = [&] { return is_awaited = check_lease(context.sys, fd) == EAGAIN; };
  int error = 0;
  const std::string is = digest_of(context, fd, st.st_size, error, plan);
  if (error > 0) return {.content = Content::unread, .number = error};
  if (error == 0) return {.content = is == digest ? Content::right : Content::wrong, .number = 0};
  if (is_awaited) return {.content = Content::awaited, .number = 0};
  const bool cancelled = context.cancelled.load(std::memory_order_relaxed);
  return {.content = cancelled ? Content::cancelled : Content::cut, .number = 0};
}

}  // namespace susten
