#include "release/empty_directories.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "release/restore.h"
#include "sys/beneath.h"
#include "sys/retry.h"

namespace susten {

namespace {

class EmptyDirectories {
 public:
  EmptyDirectories(Context &context, TempMemo &temps, DirectorySet &restored, const ReleaseTiers &tiers,
                   const std::vector<std::string> &names)
      : context_(context),
        sys_(context.sys),
        temps_(temps),
        restored_(restored),
        tiers_(tiers),
        names_(names),
        results_(names.size()) {}

  std::vector<ReleaseResult> run() {
    std::vector<size_t> order(names_.size());
    std::iota(order.begin(), order.end(), 0);
    const auto depth = [&](size_t i) { return std::count(names_[i].begin(), names_[i].end(), '/'); };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return depth(a) > depth(b); });
    for (const size_t i : order) remove(i);
    if (tiers_.sync) sync();
    return std::move(results_);
  }

 private:
  void remove(size_t i) {
    const std::string &name = names_[i];
    if (context_.cancelled.load(std::memory_order_relaxed)) return fail(i, 0, "release", "ABORT_ERR");
    if (!is_beneath(name)) return fail(i, EINVAL, "openat2");
    const size_t slash = name.rfind('/');
    const std::string above = slash == std::string::npos ? std::string() : name.substr(0, slash);
    Error error;
    const DirectoryRef parent = open_directory(sys_, tiers_.root, above, error);
    if (!parent) return fail(i, error.number, error.syscall);
    const std::string last = name.substr(slash + 1);
    int number = try_to_remove(parent, last);
    // What a dead process left may be all that is in it.
    if (number == ENOTEMPTY && tidy(name)) number = try_to_remove(parent, last);
    if (number != 0) return fail(i, number, "unlinkat");
    results_[i].outcome = ReleaseOutcome::released;
    if (tiers_.sync && !parent->is_volatile) changed_[above].push_back(i);
  }

  int try_to_remove(const DirectoryRef &parent, const std::string &name) {
    if (retry([&] { return sys_.unlinkat(parent->fd.get(), name.c_str(), AT_REMOVEDIR); }) == 0) return 0;
    return errno == EEXIST ? ENOTEMPTY : errno;
  }

  bool tidy(const std::string &name) {
    Error error;
    const DirectoryRef directory = temps_.has_tag() ? open_directory(sys_, tiers_.root, name, error) : nullptr;
    if (!directory) return false;
    restore_left(sys_, temps_, restored_, directory);
    temps_.sweep(sys_, *directory);
    return true;
  }

  void fail(size_t i, int number, const char *syscall, const char *code = "") {
    ReleaseResult &result = results_[i];
    const bool is_opening = std::string_view(syscall) == "openat2";
    if (number == ENOENT || (number == ENOTDIR && is_opening)) {
      result.outcome = ReleaseOutcome::absent;
    } else if (number == ENOTEMPTY || number == ENOTDIR || number == EBUSY) {
      result.outcome = ReleaseOutcome::kept;
    } else {
      result.outcome = ReleaseOutcome::failed;
      result.error = {.number = number,
                      .code = code,
                      .syscall = syscall,
                      .path = join_path(tiers_.root->path, names_[i]),
                      .dest = {}};
    }
  }

  // A directory that is gone itself needs no sync: the one above it does.
  void sync() {
    for (const auto &[above, removed] : changed_) {
      Error error;
      const DirectoryRef parent = open_directory(sys_, tiers_.root, above, error);
      if (!parent && (error.number == ENOENT || error.number == ENOTDIR)) continue;
      if (parent && retry([&] { return sys_.fsync(parent->fd.get()); }) == 0) continue;
      const int number = parent ? errno : error.number;
      for (const size_t i : removed) fail(i, number, parent ? "fsync" : error.syscall);
    }
  }

  Context &context_;
  Sys &sys_;
  TempMemo &temps_;
  DirectorySet &restored_;
  const ReleaseTiers &tiers_;
  const std::vector<std::string> &names_;
  std::vector<ReleaseResult> results_;
  // What was removed, by the directory above it.
  std::map<std::string, std::vector<size_t>> changed_;
};

}  // namespace

std::vector<ReleaseResult> remove_empty_directories(Context &context, TempMemo &temps, DirectorySet &restored,
                                                    const ReleaseTiers &tiers, const std::vector<std::string> &names) {
  return EmptyDirectories(context, temps, restored, tiers, names).run();
}

}  // namespace susten
