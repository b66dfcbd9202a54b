#include "jobs/copy_job.h"

#include <fcntl.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include "engine/engine.h"
#include "jobs/roots.h"
#include "sys/beneath.h"

namespace susten {

CopyJob::CopyJob(Engine &engine, CopyRequest request)
    : Job(engine),
      request_(std::move(request)),
      directories_(engine.sys(), engine.commit().temps, engine.commit().anchored, request_.options, request_.layout,
                   cancelled_) {}

void CopyJob::start() {
  spawn([this](Context &context) { open_roots(context); });
}

void CopyJob::finish() {
  if (cancelled() && !error_.failed()) {
    error_ = {
        .number = 0, .code = "ABORT_ERR", .syscall = "copy", .path = request_.src_root, .dest = request_.dest_root};
  }
  emit_done(std::move(error_), true);
}

void CopyJob::open_roots(Context &context) {
  // Nothing is written to a storage that isn't the one it should be: unmounted, or another disk.
  Fd target = open_root(context.sys, request_.dest_root, request_.dest_identity, error_);
  if (!target) return;
  Fd source = open_root(context.sys, request_.src_root, request_.src_identity, error_);
  if (!source) return;
  DirectoryRef root = adopt_directory(context.sys, std::move(target), request_.dest_root, error_);
  if (!root) return;
  directories_.set_roots(std::move(root), std::move(source), request_.src_root);
  if (const std::optional<Ownership> &as = request_.options.as) {
    struct stat model {};
    model.st_uid = as->uid;
    model.st_gid = as->gid;
    model.st_mode = S_IFDIR | as->directory_mode;
    directories_.set_model(model);
  }
  if (request_.directory_owner) directories_.set_owner(*request_.directory_owner);
  std::vector<Task> tasks;
  tasks.reserve(request_.files.size());
  for (size_t i = 0; i < request_.files.size(); ++i) {
    tasks.emplace_back([this, i](Context &worker) { copy(worker, i); });
  }
  spawn_all(std::move(tasks));
}

void CopyJob::copy(Context &context, size_t index) {
  const CopyRequest::File &file = request_.files[index];
  const std::string target_path = join_path(request_.dest_root, file.dest);
  const std::string source_path = join_path(request_.src_root, file.src);
  const auto fail = [&](Error error) {
    FileResult result;
    result.error = std::move(error);
    done(index, std::move(result), nullptr);
  };
  if (cancelled()) {
    return fail({.number = 0, .code = "ABORT_ERR", .syscall = "copy", .path = source_path, .dest = target_path});
  }
  if (!is_beneath(file.src) || !is_beneath(file.dest)) {
    return fail({.number = EINVAL, .code = {}, .syscall = "openat2", .path = source_path, .dest = target_path});
  }
  // No ordinary program could open them; what is deeper costs more than it is worth.
  if (file.src.size() >= PATH_MAX || file.dest.size() >= PATH_MAX) {
    return fail({.number = ENAMETOOLONG, .code = {}, .syscall = "openat2", .path = source_path, .dest = target_path});
  }
  const auto [source_dir, source_name] = split_path(file.src);
  const auto [target_dir, target_name] = split_path(file.dest);
  Fd source_fd;
  int source = directories_.source_root();
  if (!source_dir.empty()) {
    source_fd = Fd(context.sys, open_beneath(context.sys, source, source_dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!source_fd) {
      return fail({.number = errno, .code = {}, .syscall = "openat2", .path = source_path, .dest = target_path});
    }
    source = source_fd.get();
  }
  Error error;
  auto opened = std::make_shared<TargetDirectories::Opened>(directories_.open(target_dir, source_dir, error));
  if (!opened->directory) {
    // The file is named, and the directory that it failed at.
    if (error.dest.empty()) error.dest = target_path;
    return fail(std::move(error));
  }
  TargetFile target{.directory = opened->directory,
                    .name = target_name,
                    .path = target_path,
                    .existing = file.existing,
                    .expected = file.expected,
                    .known = file.known,
                    .known_digest = file.known_digest,
                    .parents = opened->parents};
  const SourceFile from{
      .directory = source, .name = source_name, .path = source_path, .follow = false, .size = file.size};
  hold();
  commit_file(context, engine_.commit(), request_.options, from, std::move(target),
              [self = std::static_pointer_cast<CopyJob>(shared_from_this()), index, opened](FileResult result) {
                self->done(index, std::move(result), opened.get());
                self->release();
              });
}

void CopyJob::done(size_t index, FileResult result, const TargetDirectories::Opened *opened) {
  if (result.outcome == Outcome::failed) {
    count_.failed.fetch_add(1);
  } else {
    count_.files.fetch_add(1);
    if (opened != nullptr && request_.options.durability != Durability::none && result.outcome != Outcome::unchanged &&
        result.outcome != Outcome::skipped) {
      directories_.anchor(*opened);
    }
  }
  engine_.sink().push(
      FileEvent{.job = id(), .index = static_cast<int32_t>(index), .name = {}, .result = std::move(result)});
}

}  // namespace susten
