#include "jobs/release_job.h"

#include <algorithm>
#include <span>
#include <utility>

#include "engine/engine.h"
#include "jobs/roots.h"
#include "release/empty_directories.h"
#include "release/restore.h"

namespace susten {

namespace {

// More than a bundle; of any number of directories so many at a time, so that the sink's bound holds.
constexpr size_t kToldAtOnce = 256;

}  // namespace

ReleaseJob::ReleaseJob(Engine &engine, ReleaseRequest request) : Job(engine), request_(std::move(request)) {}

void ReleaseJob::start() {
  spawn([this](Context &context) { open_roots(context); });
}

void ReleaseJob::finish() {
  if (cancelled() && !error_.failed()) {
    error_ = {.number = 0, .code = "ABORT_ERR", .syscall = "release", .path = request_.root, .dest = {}};
  }
  emit_done(std::move(error_), true);
}

void ReleaseJob::open_roots(Context &context) {
  Fd root = open_root(context.sys, request_.root, request_.root_identity, error_);
  if (!root) return;
  tiers_.root = adopt_directory(context.sys, std::move(root), request_.root, error_);
  if (!tiers_.root) return;
  tiers_.sync = request_.sync;
  restore(context);
  if (request_.files.empty()) return remove_directories(context);
  if (!std::ranges::all_of(request_.files, &ReleaseFile::vouched)) {
    next_ = open_root(context.sys, request_.next_root, request_.next_identity, error_);
    if (!next_) return;
    tiers_.next = next_.get();
    tiers_.next_path = request_.next_root;
  }
  using Files = std::span<const ReleaseFile>;
  std::vector<Files> bundles;
  for (Files left = request_.files; !left.empty(); left = left.subspan(bundles.back().size())) {
    bundles.push_back(left.first(bundle_of(left)));
  }
  bundles_left_ = bundles.size();
  std::vector<Task> tasks;
  tasks.reserve(bundles.size());
  for (const Files bundle : bundles) {
    tasks.emplace_back([this, bundle](Context &worker) { release_bundle(worker, bundle); });
  }
  spawn_all(std::move(tasks));
}

void ReleaseJob::restore(Context &context) {
  for (const std::string &name : request_.restore) {
    if (cancelled()) return;
    Error error;
    const DirectoryRef directory = open_directory(context.sys, tiers_.root, name, error);
    // What can't be opened has nothing to be put in order, or will be met again by who works there.
    if (!directory) continue;
    restore_left(context.sys, engine_.commit().temps, engine_.restored(), directory);
    engine_.commit().temps.sweep(context.sys, *directory);
  }
}

void ReleaseJob::release_bundle(Context &context, std::span<const ReleaseFile> files) {
  std::vector<ReleaseResult> results =
      ReleaseBundle(context, engine_.commit().temps, engine_.restored(), tiers_).run(files);
  const auto first = static_cast<size_t>(files.data() - request_.files.data());
  tell(first, std::move(results));
  if (bundles_left_.fetch_sub(1) == 1) remove_directories(context);
}

void ReleaseJob::remove_directories(Context &context) {
  std::vector<ReleaseResult> results =
      remove_empty_directories(context, engine_.commit().temps, engine_.restored(), tiers_, request_.directories);
  tell(request_.files.size(), std::move(results));
}

void ReleaseJob::tell(size_t first, std::vector<ReleaseResult> results) {
  std::vector<Event> events;
  events.reserve(std::min(results.size(), kToldAtOnce));
  for (size_t i = 0; i < results.size(); ++i) {
    const auto index = static_cast<int32_t>(first + i);
    count(first + i, results[i]);
    events.emplace_back(ReleaseEvent{.job = id(), .index = index, .result = std::move(results[i])});
    if (events.size() == kToldAtOnce) engine_.sink().push_all(std::exchange(events, {}));
  }
  engine_.sink().push_all(std::move(events));
}

void ReleaseJob::count(size_t index, const ReleaseResult &result) {
  if (result.outcome == ReleaseOutcome::failed) {
    count_.failed.fetch_add(1);
  } else if (result.outcome != ReleaseOutcome::released) {
    return;
  } else if (index < request_.files.size()) {
    count_.files.fetch_add(1);
    count_.bytes.fetch_add(result.bytes);
  } else {
    count_.directories.fetch_add(1);
  }
}

}  // namespace susten
