#include "sys/faults.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <string_view>
#include <thread>

#include "sys/error.h"

namespace susten {
namespace {

// Every entry of Sys, in its order; the transferring ones can be cut short.
#define SUSTEN_CALLS(plain, transfer)                                                                                  \
  plain(open) plain(openat) plain(openat2) plain(close) transfer(read) transfer(pread) transfer(write)                 \
      transfer(pwrite) transfer(sendfile) transfer(copy_file_range) plain(ficlone) plain(lseek) plain(ftruncate)       \
          plain(fallocate) plain(fstat) plain(fstatat) plain(fstatx) plain(fchown) plain(fchownat) plain(fchmod)       \
              plain(futimens) plain(utimensat) plain(flistxattr) plain(fgetxattr) plain(fsetxattr) plain(fremovexattr) \
                  plain(fsync) plain(fdatasync) plain(syncfs) plain(sync_file_range) plain(fadvise) plain(setfl)       \
                      plain(setowner) plain(setlease) plain(getlease) plain(linkat) plain(symlinkat) plain(readlinkat) \
                          plain(renameat2) plain(unlinkat) plain(mkdirat) transfer(getdents64) plain(fstatfs)          \
                              plain(fstatvfs)

#define SUSTEN_ENUMERATE(name) k_##name,
enum Call { SUSTEN_CALLS(SUSTEN_ENUMERATE, SUSTEN_ENUMERATE) kCallCount };

struct CallInfo {
  const char *name;
  bool transfers;
};
#define SUSTEN_PLAIN(name) {#name, false},
#define SUSTEN_TRANSFER(name) {#name, true},
constexpr CallInfo kCalls[] = {SUSTEN_CALLS(SUSTEN_PLAIN, SUSTEN_TRANSFER)};
#undef SUSTEN_PLAIN
#undef SUSTEN_TRANSFER
#undef SUSTEN_ENUMERATE
#undef SUSTEN_CALLS

enum class Effect { none, fail, shorten, zero };

struct Rule {
  Effect effect = Effect::none;
  int number = 0;  // errno
  int64_t first = 1;
  int64_t last = 1;  // INT64_MAX for ever
  int delay_ms = 0;
  bool holds = false;
};

// What happens at one call.
struct Verdict {
  Effect effect = Effect::none;
  int number = 0;
};

class FaultySys final : public Sys {
 public:
  void add(Call call, const Rule &rule) { rules_[call].push_back(rule); }
  [[nodiscard]] int64_t count(Call call) const { return counts_[call].load(std::memory_order_relaxed); }
  void release() {
    released_.store(true);
    released_.notify_all();
  }

  int open(const char *path, int flags, mode_t mode) override {
    return plain(k_open, [&] { return Sys::open(path, flags, mode); });
  }
  int openat(int dir, const char *name, int flags, mode_t mode) override {
    return plain(k_openat, [&] { return Sys::openat(dir, name, flags, mode); });
  }
  int openat2(int dir, const char *path, const struct open_how *how) override {
    return plain(k_openat2, [&] { return Sys::openat2(dir, path, how); });
  }
  // As on Linux the descriptor is closed whatever close reports.
  int close(int fd) override {
    const Verdict verdict = judge(k_close);
    const int result = Sys::close(fd);
    if (verdict.effect != Effect::fail) return result;
    errno = verdict.number;
    return -1;
  }
  ssize_t read(int fd, void *buffer, size_t size) override {
    return transfer(k_read, size, [&](size_t part) { return Sys::read(fd, buffer, part); });
  }
  ssize_t pread(int fd, void *buffer, size_t size, off_t offset) override {
    return transfer(k_pread, size, [&](size_t part) { return Sys::pread(fd, buffer, part, offset); });
  }
  ssize_t write(int fd, const void *buffer, size_t size) override {
    return transfer(k_write, size, [&](size_t part) { return Sys::write(fd, buffer, part); });
  }
  ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset) override {
    return transfer(k_pwrite, size, [&](size_t part) { return Sys::pwrite(fd, buffer, part, offset); });
  }
  ssize_t sendfile(int out, int in, off_t *offset, size_t size) override {
    return transfer(k_sendfile, size, [&](size_t part) { return Sys::sendfile(out, in, offset, part); });
  }
  ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t size) override {
    return transfer(k_copy_file_range, size,
                    [&](size_t part) { return Sys::copy_file_range(in, in_offset, out, out_offset, part); });
  }
  int ficlone(int out, int in) override {
    return plain(k_ficlone, [&] { return Sys::ficlone(out, in); });
  }
  off_t lseek(int fd, off_t offset, int whence) override {
    return plain(k_lseek, [&] { return Sys::lseek(fd, offset, whence); });
  }
  int ftruncate(int fd, off_t size) override {
    return plain(k_ftruncate, [&] { return Sys::ftruncate(fd, size); });
  }
  int fallocate(int fd, int mode, off_t offset, off_t size) override {
    return plain(k_fallocate, [&] { return Sys::fallocate(fd, mode, offset, size); });
  }
  int fstat(int fd, struct stat *st) override {
    return plain(k_fstat, [&] { return Sys::fstat(fd, st); });
  }
  int fstatat(int dir, const char *name, struct stat *st, int flags) override {
    return plain(k_fstatat, [&] { return Sys::fstatat(dir, name, st, flags); });
  }
  int fstatx(int fd, unsigned mask, struct statx *st) override {
    return plain(k_fstatx, [&] { return Sys::fstatx(fd, mask, st); });
  }
  int fchown(int fd, uid_t uid, gid_t gid) override {
    return plain(k_fchown, [&] { return Sys::fchown(fd, uid, gid); });
  }
  int fchownat(int dir, const char *name, uid_t uid, gid_t gid, int flags) override {
    return plain(k_fchownat, [&] { return Sys::fchownat(dir, name, uid, gid, flags); });
  }
  int fchmod(int fd, mode_t mode) override {
    return plain(k_fchmod, [&] { return Sys::fchmod(fd, mode); });
  }
  int futimens(int fd, const struct timespec times[2]) override {
    return plain(k_futimens, [&] { return Sys::futimens(fd, times); });
  }
  int utimensat(int dir, const char *name, const struct timespec times[2], int flags) override {
    return plain(k_utimensat, [&] { return Sys::utimensat(dir, name, times, flags); });
  }
  ssize_t flistxattr(int fd, char *list, size_t size) override {
    return plain(k_flistxattr, [&] { return Sys::flistxattr(fd, list, size); });
  }
  ssize_t fgetxattr(int fd, const char *name, void *value, size_t size) override {
    return plain(k_fgetxattr, [&] { return Sys::fgetxattr(fd, name, value, size); });
  }
  int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) override {
    return plain(k_fsetxattr, [&] { return Sys::fsetxattr(fd, name, value, size, flags); });
  }
  int fremovexattr(int fd, const char *name) override {
    return plain(k_fremovexattr, [&] { return Sys::fremovexattr(fd, name); });
  }
  int fsync(int fd) override {
    return plain(k_fsync, [&] { return Sys::fsync(fd); });
  }
  int fdatasync(int fd) override {
    return plain(k_fdatasync, [&] { return Sys::fdatasync(fd); });
  }
  int syncfs(int fd) override {
    return plain(k_syncfs, [&] { return Sys::syncfs(fd); });
  }
  int sync_file_range(int fd, off_t offset, off_t size, unsigned flags) override {
    return plain(k_sync_file_range, [&] { return Sys::sync_file_range(fd, offset, size, flags); });
  }
  int fadvise(int fd, off_t offset, off_t size, int advice) override {
    return plain(k_fadvise, [&] { return Sys::fadvise(fd, offset, size, advice); });
  }
  int setfl(int fd, int flags) override {
    return plain(k_setfl, [&] { return Sys::setfl(fd, flags); });
  }
  int setowner(int fd) override {
    return plain(k_setowner, [&] { return Sys::setowner(fd); });
  }
  int setlease(int fd, int type) override {
    return plain(k_setlease, [&] { return Sys::setlease(fd, type); });
  }
  int getlease(int fd) override {
    return plain(k_getlease, [&] { return Sys::getlease(fd); });
  }
  int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) override {
    return plain(k_linkat, [&] { return Sys::linkat(from_dir, from, to_dir, to, flags); });
  }
  int symlinkat(const char *target, int dir, const char *name) override {
    return plain(k_symlinkat, [&] { return Sys::symlinkat(target, dir, name); });
  }
  ssize_t readlinkat(int dir, const char *name, char *buffer, size_t size) override {
    return plain(k_readlinkat, [&] { return Sys::readlinkat(dir, name, buffer, size); });
  }
  int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) override {
    return plain(k_renameat2, [&] { return Sys::renameat2(from_dir, from, to_dir, to, flags); });
  }
  int unlinkat(int dir, const char *name, int flags) override {
    return plain(k_unlinkat, [&] { return Sys::unlinkat(dir, name, flags); });
  }
  int mkdirat(int dir, const char *name, mode_t mode) override {
    return plain(k_mkdirat, [&] { return Sys::mkdirat(dir, name, mode); });
  }
  ssize_t getdents64(int fd, void *buffer, size_t size) override {
    return transfer(k_getdents64, size, [&](size_t part) { return Sys::getdents64(fd, buffer, part); });
  }
  int fstatfs(int fd, struct statfs *st) override {
    return plain(k_fstatfs, [&] { return Sys::fstatfs(fd, st); });
  }
  int fstatvfs(int fd, struct statvfs *st) override {
    return plain(k_fstatvfs, [&] { return Sys::fstatvfs(fd, st); });
  }

 private:
  // Counts a call of `call`, waits as it must, and says what shall happen.
  Verdict judge(Call call) {
    const std::vector<Rule> &rules = rules_[call];
    const int64_t count = counts_[call].fetch_add(1, std::memory_order_relaxed) + 1;
    if (rules.empty()) return {};
    int64_t delay_ms = 0;
    bool holds = false;
    Verdict verdict;
    for (const Rule &rule : rules) {
      if (count < rule.first || count > rule.last) continue;
      delay_ms += rule.delay_ms;
      holds = holds || rule.holds;
      if (verdict.effect == Effect::none) verdict = {rule.effect, rule.number};
    }
    if (holds) released_.wait(false);
    if (delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    return verdict;
  }

  template <typename Do>
  auto plain(Call call, Do action) -> decltype(action()) {
    const Verdict verdict = judge(call);
    if (verdict.effect != Effect::fail) return action();
    errno = verdict.number;
    return -1;
  }

  template <typename Do>
  ssize_t transfer(Call call, size_t size, Do action) {
    const Verdict verdict = judge(call);
    switch (verdict.effect) {
      case Effect::fail:
        errno = verdict.number;
        return -1;
      case Effect::zero:
        return 0;
      case Effect::shorten:
        return action(size <= 1 ? size : size / 2);
      case Effect::none:
        break;
    }
    return action(size);
  }

  std::array<std::vector<Rule>, kCallCount> rules_;
  std::array<std::atomic<int64_t>, kCallCount> counts_ = {};
  std::atomic<bool> released_{false};
};

std::string list_of(bool transferring) {
  std::string text;
  for (const CallInfo &info : kCalls) {
    if (transferring && !info.transfers) continue;
    if (!text.empty()) text += ", ";
    text += info.name;
  }
  return text;
}

// What is wrong with `fault`, empty if nothing; fills `call` and `rule`.
std::string check(const Fault &fault, Call &call, Rule &rule) {
  const auto *info = std::find_if(std::begin(kCalls), std::end(kCalls),
                                  [&](const CallInfo &entry) { return entry.name == fault.call; });
  if (info == std::end(kCalls)) return "unknown call '" + fault.call + "'; allowed are " + list_of(false);
  const std::string about = "fault in '" + fault.call + "': ";
  call = static_cast<Call>(info - kCalls);
  rule.number = errno_value(fault.effect.c_str());
  if (rule.number != 0) {
    rule.effect = Effect::fail;
  } else if (fault.effect == "short" || fault.effect == "zero") {
    if (!info->transfers) return about + "effect '" + fault.effect + "' is allowed for " + list_of(true) + " only";
    rule.effect = fault.effect == "short" ? Effect::shorten : Effect::zero;
  } else if (fault.effect == "hold") {
    rule.holds = true;
  } else if (fault.effect != "delay") {
    return about + "unknown effect '" + fault.effect +
           "'; allowed are errno names such as EIO, short, zero, delay, hold";
  }
  if (fault.at < 1) return about + "at is " + std::to_string(fault.at) + "; it counts from 1";
  if (fault.times < 1 && fault.times != -1) {
    return about + "times is " + std::to_string(fault.times) + "; allowed are 1 and more, or -1 for ever";
  }
  if (fault.delay_ms < 0) return about + "delay is " + std::to_string(fault.delay_ms) + " ms; it can't be negative";
  rule.first = fault.at;
  const bool endless = fault.times == -1 || fault.times > INT64_MAX - fault.at;
  rule.last = endless ? INT64_MAX : fault.at + fault.times - 1;
  rule.delay_ms = fault.delay_ms;
  return {};
}

}  // namespace

std::unique_ptr<Sys> make_faulty_sys(const std::vector<Fault> &faults, std::string &problem) {
  auto sys = std::make_unique<FaultySys>();
  for (const Fault &fault : faults) {
    Call call = kCallCount;
    Rule rule;
    problem = check(fault, call, rule);
    if (!problem.empty()) return nullptr;
    sys->add(call, rule);
  }
  problem.clear();
  return sys;
}

void release_holds(Sys &sys) {
  if (auto *faulty = dynamic_cast<FaultySys *>(&sys)) faulty->release();
}

std::vector<CallCount> count_calls(const Sys &sys) {
  std::vector<CallCount> counts;
  const auto *faulty = dynamic_cast<const FaultySys *>(&sys);
  if (faulty == nullptr) return counts;
  for (const CallInfo &info : kCalls) {
    counts.push_back({.call = info.name, .count = faulty->count(static_cast<Call>(&info - std::begin(kCalls)))});
  }
  return counts;
}

}  // namespace susten
