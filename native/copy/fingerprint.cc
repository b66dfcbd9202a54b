#include "copy/fingerprint.h"

#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "sys/retry.h"
#include "sys/timestamp.h"

namespace susten {

namespace {

constexpr int64_t kLongestTick = 10'000'000;

bool has_multigrain_stamps() {
  struct utsname name {};
  int major = 0;
  int minor = 0;
  // NOLINTNEXTLINE(cert-err34-c): two small numbers, and a failure means "old kernel", the safe answer
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 13);
}

// Those with FS_MGTIME.
bool is_multigrain(decltype(statfs::f_type) type) {
  return type == TMPFS_MAGIC || type == EXT4_SUPER_MAGIC || type == XFS_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC;
}

}  // namespace

Fingerprint fingerprint_of(const struct stat &st) {
  return Fingerprint{.dev = st.st_dev,
                     .ino = st.st_ino,
                     .size = st.st_size,
                     .mtime_ns = to_ns(st.st_mtim),
                     .ctime_ns = to_ns(st.st_ctim)};
}

bool is_other_file(Sys &sys, int fd, const struct stat &st, const Fingerprint &known, int64_t since) {
  if (st.st_ino != known.ino) return true;  // not the device: its number may change with every mount
  struct statx birth {};
  const bool asked = retry([&] { return sys.fstatx(fd, STATX_BTIME, &birth); }) == 0;
  if (!asked && errno != ENOSYS) return true;
  if (!asked || (birth.stx_mask & STATX_BTIME) == 0) return st.st_dev != known.dev || known.ctime_ns < since;
  return to_ns({.tv_sec = birth.stx_btime.tv_sec, .tv_nsec = birth.stx_btime.tv_nsec}) > known.ctime_ns;
}

bool wait_for_distinct_stamp(Sys &sys, int fd, const struct stat &st) {
  static const bool multigrain = has_multigrain_stamps();
  struct timespec now {};
  struct timespec tick {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (to_ns(st.st_ctim) < to_ns(now)) return false;
  struct statfs fs {};
  if (multigrain && retry([&] { return sys.fstatfs(fd, &fs); }) == 0 && is_multigrain(fs.f_type)) return false;
  ::clock_getres(CLOCK_REALTIME_COARSE, &tick);
  const int64_t wait = std::clamp<int64_t>(to_ns(tick), 1, kLongestTick);
  const struct timespec pause { .tv_sec = 0, .tv_nsec = static_cast<long>(wait) };
  ::nanosleep(&pause, nullptr);
  return true;
}

}  // namespace susten
