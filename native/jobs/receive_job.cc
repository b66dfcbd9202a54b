#include "jobs/receive_job.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include "engine/engine.h"
#include "jobs/roots.h"
#include "receive/file.h"
#include "sys/beneath.h"
#include "sys/retry.h"

namespace susten {

// Without a descriptor to be had, a cancel is noticed a little later.
ReceiveJob::ReceiveJob(Engine &engine, ReceiveRequest request)
    : Job(engine),
      request_(std::move(request)),
      directories_(engine.sys(), engine.commit().temps, engine.commit().anchored, request_.options.copy,
                   request_.layout, cancelled_),
      cancel_(engine.sys(), ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ReceiveJob::start() {
  spawn([this](Context &context) { open_root(context); });
}

void ReceiveJob::cancel() {
  Job::cancel();
  if (cancel_) ::eventfd_write(cancel_.get(), 1);
}

void ReceiveJob::finish() {
  if (cancelled() && !error_.failed()) {
    error_ = {.number = 0, .code = "ABORT_ERR", .syscall = "receive", .path = request_.dest_root, .dest = {}};
  }
  emit_done(std::move(error_), true);
}

void ReceiveJob::open_root(Context &context) {
  // Nothing is written to a storage that isn't the one it should be: unmounted, or another disk.
  Fd target = susten::open_root(context.sys, request_.dest_root, request_.dest_identity, error_);
  if (!target) return;
  DirectoryRef root = adopt_directory(context.sys, std::move(target), request_.dest_root, error_);
  if (!root) return;
  struct stat model {};
  model.st_uid = request_.options.uid;
  model.st_gid = request_.options.gid;
  model.st_mode = S_IFDIR | request_.options.directory_mode;
  directories_.set_root(std::move(root));
  directories_.set_model(model);
  if (request_.directory_owner) directories_.set_owner(*request_.directory_owner);
  const size_t lanes = std::min(request_.connections, request_.files.size());
  for (size_t i = 0; i < lanes; ++i) {
    spawn([this](Context &worker) { receive_next(worker); });
  }
}

// One file a turn, so that other jobs have theirs.
void ReceiveJob::receive_next(Context &context) {
  const size_t index = next_.fetch_add(1);
  if (index >= request_.files.size()) return;
  receive(context, index);
  if (index + 1 < request_.files.size()) {
    spawn([this](Context &worker) { receive_next(worker); });
  }
}

void ReceiveJob::receive(Context &context, size_t index) {
  const ReceiveFile &file = request_.files[index];
  const std::string path = join_path(request_.dest_root, file.dest);
  const auto opened = std::make_shared<TargetDirectories::Opened>();
  const auto fail = [&](int number, const char *code) {
    ReceiveResult result;
    result.error = {.number = number, .code = code, .syscall = "receive", .path = path, .dest = {}};
    done(index, std::move(result), *opened);
  };
  if (cancelled()) return fail(0, "ABORT_ERR");
  if (!is_beneath(file.dest)) return fail(EINVAL, "");
  if (file.dest.size() >= PATH_MAX) return fail(ENAMETOOLONG, "");
  auto [directory, name] = split_path(file.dest);
  ReceiveTarget target{.open = {}, .name = std::move(name), .path = path};
  target.open = [&, directory = std::move(directory)](std::vector<DirectoryRef> &parents, Error &failure) {
    *opened = directories_.open(directory, {}, failure);
    // The file is named, and the directory that it failed at.
    if (!opened->directory && failure.dest.empty()) failure.dest = path;
    parents = opened->parents;
    return opened->directory;
  };
  const Receiving receiving{.commit = engine_.commit(),
                            .connections = engine_.connections(),
                            .options = request_.options,
                            .cancel_fd = cancel_.get()};
  hold();
  receive_file(context, receiving, file, std::move(target),
               [self = std::static_pointer_cast<ReceiveJob>(shared_from_this()), index, opened](ReceiveResult result) {
                 self->done(index, std::move(result), *opened);
                 self->release();
               });
}

void ReceiveJob::done(size_t index, ReceiveResult result, const TargetDirectories::Opened &opened) {
  switch (result.outcome) {
    case ReceiveOutcome::failed:
      count_.failed.fetch_add(1);
      break;
    case ReceiveOutcome::skipped:
    case ReceiveOutcome::status:
    case ReceiveOutcome::unsupported:
      count_.skipped.fetch_add(1);
      break;
    case ReceiveOutcome::created:
    case ReceiveOutcome::replaced:
    case ReceiveOutcome::versioned:
      count_.files.fetch_add(1);
      if (request_.options.copy.durability != Durability::none) directories_.anchor(opened);
  }
  engine_.sink().push(ReceiveEvent{.job = id(), .index = static_cast<int32_t>(index), .result = std::move(result)});
}

}  // namespace susten
