#include "tree/symlink.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <utility>

#include "commit/metadata.h"
#include "commit/temp.h"
#include "sys/fd.h"
#include "sys/retry.h"
#include "tree/paths.h"

namespace susten {

namespace {

LinkResult fail(Error error) { return {.outcome = Outcome::failed, .error = std::move(error)}; }

std::optional<std::string> read_link(Sys &sys, int dir, const std::string &name) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = retry([&] { return sys.readlinkat(dir, name.c_str(), text.data(), text.size()); });
  if (size < 0) return std::nullopt;
  return std::string(text.data(), static_cast<size_t>(size));
}

// Replacing a link must not tear apart what it leads to, nor lead into what is being copied. Codes of Node's fs.cp.
const char *forbidden(Sys &sys, const LinkCopy &link, const std::string &text, const std::string &existing) {
  const std::string resolved = resolve_link(link.source_path, text);
  const std::string resolved_existing = resolve_link(link.target_path, existing);
  struct stat st {};
  const bool is_directory = sys.fstatat(AT_FDCWD, resolved.c_str(), &st, 0) == 0 && S_ISDIR(st.st_mode);
  if (!is_directory || resolved == resolved_existing) return "";
  if (is_within(resolved_existing, resolved)) return "ERR_FS_CP_EINVAL";
  if (is_within(resolved, resolved_existing)) return "ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY";
  return "";
}

bool not_permitted(int error) { return error == EPERM || error == EACCES || error == EINVAL || error == EOPNOTSUPP; }

// Links have no mode of their own. By descriptor: who owns the directory can put another's file under the hidden name
// that the link still has, and that must not change hands.
MetadataResult set_metadata(Sys &sys, int dir, const std::string &name, const struct stat &st,
                            const CopyOptions &options) {
  const Fd made(sys, retry([&] { return sys.openat(dir, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0); }));
  if (!made) return {errno, "openat"};
  struct stat now {};
  if (retry([&] { return sys.fstat(made.get(), &now); }) != 0) return {errno, "fstat"};
  if (!S_ISLNK(now.st_mode)) return {EBUSY, "symlinkat"};
  constexpr auto kNoUser = static_cast<uid_t>(-1);
  constexpr auto kNoGroup = static_cast<gid_t>(-1);
  const auto own = [&](uid_t uid, gid_t gid, Preserve preserve) {
    if (preserve == Preserve::off) return true;
    if (retry([&] { return sys.fchownat(made.get(), "", uid, gid, AT_EMPTY_PATH); }) == 0) return true;
    return preserve == Preserve::attempt && not_permitted(errno);
  };
  if (!own(kNoUser, st.st_gid, options.gid) || !own(st.st_uid, kNoGroup, options.uid)) return {errno, "fchownat"};
  if (options.times == Preserve::off) return {};
  const struct timespec times[2] = {st.st_atim, st.st_mtim};
  if (retry([&] { return sys.utimensat(made.get(), "", times, AT_EMPTY_PATH); }) == 0) return {};
  // Before Linux 5.8 only by name.
  if (errno == EINVAL && retry([&] { return sys.utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW); }) == 0) {
    return {};
  }
  if (options.times == Preserve::attempt && not_permitted(errno)) return {};
  return {errno, "utimensat"};
}

}  // namespace

LinkResult copy_symlink(Sys &sys, const TempMemo &temps, const LinkCopy &link, const CopyOptions &options) {
  const auto failed = [&](int number, const char *syscall, bool at_target) {
    return fail({.number = number,
                 .code = {},
                 .syscall = syscall,
                 .path = at_target ? link.target_path : link.source_path,
                 .dest = at_target ? std::string() : link.target_path});
  };
  struct stat st {};
  if (retry([&] { return sys.fstatat(link.source_dir, link.name.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) != 0) {
    return failed(errno, "fstatat", false);
  }
  const std::optional<std::string> original = read_link(sys, link.source_dir, link.name);
  if (!original) return failed(errno, "readlinkat", false);
  const std::string text = link.verbatim ? *original : resolve_link(link.source_path, *original);

  struct stat there {};
  const bool exists =
      retry([&] { return sys.fstatat(link.target_dir, link.target_name.c_str(), &there, AT_SYMLINK_NOFOLLOW); }) == 0;
  if (exists) {
    if (link.existing == Existing::skip) return {.outcome = Outcome::skipped, .error = {}};
    if (link.existing == Existing::refuse || !S_ISLNK(there.st_mode)) return failed(EEXIST, "symlinkat", true);
    const std::optional<std::string> existing = read_link(sys, link.target_dir, link.target_name);
    if (existing) {
      const char *code = forbidden(sys, link, text, *existing);
      if (*code != '\0') {
        return fail({.number = EINVAL,
                     .code = code,
                     .syscall = "symlinkat",
                     .path = link.source_path,
                     .dest = link.target_path});
      }
    }
  }
  const std::string temp = temps.name();
  if (retry([&] { return sys.symlinkat(text.c_str(), link.target_dir, temp.c_str()); }) != 0) {
    return failed(errno, "symlinkat", true);
  }
  MetadataResult step = set_metadata(sys, link.target_dir, temp, st, options);
  if (step.number == 0) {
    if (retry([&] {
          return sys.renameat2(link.target_dir, temp.c_str(), link.target_dir, link.target_name.c_str(), 0);
        }) == 0) {
      return {.outcome = exists ? Outcome::replaced : Outcome::created, .error = {}};
    }
    step = {errno, "renameat2"};
  }
  retry([&] { return sys.unlinkat(link.target_dir, temp.c_str(), 0); });
  return failed(step.number, step.syscall, true);
}

}  // namespace susten
