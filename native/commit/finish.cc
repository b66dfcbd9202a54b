#include "commit/finish.h"

#include <cerrno>
#include <utility>

#include "sys/retry.h"

namespace susten {

namespace {

using Done = std::function<void(FileResult)>;

void conclude(FileResult &&result, const std::string &path, Placement placement, const Done &done) {
  result.outcome = placement.outcome;
  result.version = std::move(placement.version);
  if (placement.outcome == Outcome::failed) {
    result.error = {
        .number = placement.number, .code = placement.code, .syscall = placement.syscall, .path = path, .dest = {}};
  }
  done(std::move(result));
}

void join_group(Context &context, Commit &commit, const Unfinished &file, FileResult &result, Done &done) {
  Written written;
  written.directory = file.directory;
  written.temp = std::move(file.temp);
  written.name = std::move(file.name);
  written.existing = file.existing;
  written.expected = file.expected;
  written.size = file.size;
  written.opened = file.opened;
  written.parents = std::move(file.parents);
  written.cancelled = &context.cancelled;
  written.done = [result = std::move(result), path = std::move(file.path), done = std::move(done)](
                     Placement placement) mutable { conclude(std::move(result), path, std::move(placement), done); };
  commit.groups.add(context, std::move(written));
}

Placement place_now(Context &context, Durability durability, const Unfinished &file) {
  Sys &sys = context.sys;
  const auto failure = [](const char *syscall) {
    return Placement{.outcome = Outcome::failed, .version = {}, .number = errno, .code = "", .syscall = syscall};
  };
  const Directory &directory = *file.directory;
  const bool syncs = durability != Durability::none && !directory.is_volatile;
  if (syncs) {
    if (retry([&] { return sys.fsync(file.temp.fd()); }) != 0) return failure("fsync");
  } else if (directory.is_remote) {
    // Such file systems tell of failed writes at the latest possible moment; the name must not come before.
    if (retry([&] { return sys.fdatasync(file.temp.fd()); }) != 0) return failure("fdatasync");
  }
  Placement placement = place(context, file.directory, file.temp, file.name, file.existing, file.expected, file.size);
  if (!syncs || placement.outcome == Outcome::failed) return placement;
  if (retry([&] { return sys.fsync(directory.fd.get()); }) != 0) return failure("fsync");
  for (const DirectoryRef &parent : file.parents) {
    if (retry([&] { return sys.fsync(parent->fd.get()); }) != 0) return failure("fsync");
  }
  return placement;
}

}  // namespace

bool waits_for_group(Durability durability, const Directory &directory) {
  return durability == Durability::batch && !directory.is_volatile;
}

void finish_file(Context &context, Commit &commit, Durability durability, const Unfinished &file, FileResult &result,
                 Done &done) {
  if (waits_for_group(durability, *file.directory)) return join_group(context, commit, file, result, done);
  Placement placement = place_now(context, durability, file);
  file.temp = Temp();  // a temp file that wasn't placed goes before anyone is told
  conclude(std::move(result), file.path, std::move(placement), done);
}

}  // namespace susten
