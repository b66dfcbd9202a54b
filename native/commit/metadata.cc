#include "commit/metadata.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "sys/retry.h"

namespace susten {

namespace {

constexpr mode_t kFileModes = 0777;
// Directories keep the sticky bit; it gives nobody a right.
constexpr mode_t kDirectoryModes = 01777;
constexpr size_t kListLimit = size_t{64} * 1024;  // XATTR_LIST_MAX and XATTR_SIZE_MAX

// Where groups are left to the system, a directory that hands on its group goes on doing so below.
mode_t inherited_bits(const struct stat &now, const CopyOptions &options) {
  return S_ISDIR(now.st_mode) && options.gid == Preserve::off ? now.st_mode & S_ISGID : 0;
}

bool not_permitted(int error) { return error == EPERM || error == EACCES || error == EINVAL || error == EOPNOTSUPP; }

// What attributes may fail with where they are only tried: also those that don't fit into the target's inodes.
bool is_excused(const MetadataResult &result) {
  if (not_permitted(result.number)) return true;
  const bool setting = std::string_view(result.syscall) == "fsetxattr";
  return setting && (result.number == ENOSPC || result.number == E2BIG || result.number == ERANGE);
}

bool is_acl(std::string_view name) { return name.starts_with("system.posix_acl_"); }

// Which attributes are carried: `user.` and `trusted.` as xattrs, POSIX ACLs as ACLs. `security.` belongs to the
// machine, and file capabilities are a kind of setuid.
Preserve wanted(std::string_view name, const CopyOptions &options) {
  if (is_acl(name)) return options.acls;
  if (name.starts_with("trusted.SGI_ACL_")) return Preserve::off;  // XFS lists its ACLs a second time
  if (name.starts_with("user.") || name.starts_with("trusted.")) return options.xattrs;
  return Preserve::off;
}

MetadataResult copy_attribute(Sys &sys, int in, int out, const char *name, std::vector<char> &value) {
  const ssize_t size = retry([&] { return sys.fgetxattr(in, name, value.data(), value.size()); });
  if (size < 0) {
    if (errno == ENODATA) return {};  // removed meanwhile
    return {errno, "fgetxattr"};
  }
  if (retry([&] { return sys.fsetxattr(out, name, value.data(), static_cast<size_t>(size), 0); }) == 0) return {};
  return {errno, "fsetxattr"};
}

MetadataResult copy_attributes(Sys &sys, int in, int out, const CopyOptions &options) {
  std::vector<char> names(kListLimit);
  const ssize_t size = retry([&] { return sys.flistxattr(in, names.data(), names.size()); });
  if (size < 0) {
    if (errno == EOPNOTSUPP) return {};  // the source has none
    // A directory that may be passed through but not read: it is open as a mere way.
    if (errno == EBADF) {
      const bool tried = options.xattrs != Preserve::keep && options.acls != Preserve::keep;
      return tried ? MetadataResult{} : MetadataResult{EACCES, "flistxattr"};
    }
    return {errno, "flistxattr"};
  }
  std::vector<char> value(kListLimit);
  const std::string_view all(names.data(), static_cast<size_t>(size));
  for (size_t at = 0; at < all.size();) {
    const char *name = all.data() + at;
    at += std::strlen(name) + 1;
    const Preserve preserve = wanted(name, options);
    if (preserve == Preserve::off) continue;
    const MetadataResult result = copy_attribute(sys, in, out, name, value);
    if (result.number == 0) continue;
    if (preserve == Preserve::attempt && is_excused(result)) continue;
    return result;
  }
  return {};
}

MetadataResult set_owner(Sys &sys, int out, const struct stat &st, const struct stat &now, const CopyOptions &options) {
  constexpr auto kNoUser = static_cast<uid_t>(-1);
  constexpr auto kNoGroup = static_cast<gid_t>(-1);
  const uid_t uid = options.uid == Preserve::off || st.st_uid == now.st_uid ? kNoUser : st.st_uid;
  const gid_t gid = options.gid == Preserve::off || st.st_gid == now.st_gid ? kNoGroup : st.st_gid;
  if (uid == kNoUser && gid == kNoGroup) return {};
  if (retry([&] { return sys.fchown(out, uid, gid); }) == 0) return {};
  // One by one: a group that we may give mustn't fail with an owner that we may not.
  if (gid != kNoGroup && retry([&] { return sys.fchown(out, kNoUser, gid); }) != 0) {
    if (options.gid == Preserve::keep || !not_permitted(errno)) return {errno, "fchown"};
  }
  if (uid != kNoUser && retry([&] { return sys.fchown(out, uid, kNoGroup); }) != 0) {
    if (options.uid == Preserve::keep || !not_permitted(errno)) return {errno, "fchown"};
  }
  return {};
}

}  // namespace

uid_t owner_of(const struct stat &st, const CopyOptions &options) {
  return options.uid == Preserve::off ? ::geteuid() : st.st_uid;
}

bool is_strangers(const Directory &directory, uid_t owner) {
  return directory.uid != owner && directory.uid != 0 && directory.uid != ::geteuid();
}

MetadataResult drop_inherited(Sys &sys, int fd, bool is_directory) {
  const auto drop = [&](const char *name) {
    if (retry([&] { return sys.fremovexattr(fd, name); }) == 0) return 0;
    return errno == ENODATA || errno == EOPNOTSUPP ? 0 : errno;
  };
  int error = drop("system.posix_acl_access");
  if (error == 0 && is_directory) error = drop("system.posix_acl_default");
  return {error, "fremovexattr"};
}

mode_t mode_of(const struct stat &st, const CopyOptions &options) {
  // `off`: what a plain creation would have given.
  if (options.mode == Preserve::off) return S_ISDIR(st.st_mode) ? 0755 : 0644;
  return st.st_mode & (S_ISDIR(st.st_mode) ? kDirectoryModes : kFileModes);
}

MetadataResult apply_metadata(Sys &sys, int in, int out, const struct stat &st, const struct stat &now,
                              const CopyOptions &options) {
  const MetadataResult owner = set_owner(sys, out, st, now, options);
  if (owner.number != 0) return owner;

  const mode_t mode = mode_of(st, options) | inherited_bits(now, options);
  if (mode != (now.st_mode & 07777) && retry([&] { return sys.fchmod(out, mode); }) != 0) {
    if (options.mode != Preserve::attempt || !not_permitted(errno)) return {errno, "fchmod"};
  }

  if (options.xattrs != Preserve::off || options.acls != Preserve::off) {
    const MetadataResult attributes = copy_attributes(sys, in, out, options);
    if (attributes.number != 0) return attributes;
  }

  if (options.times != Preserve::off) {
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    if (retry([&] { return sys.futimens(out, times); }) != 0) {
      if (options.times != Preserve::attempt || !not_permitted(errno)) return {errno, "futimens"};
    }
  }
  return {};
}

bool has_metadata(const struct stat &st, const struct stat &now, const CopyOptions &options) {
  if (options.xattrs != Preserve::off || options.acls != Preserve::off) return false;
  if (options.uid == Preserve::keep && now.st_uid != st.st_uid) return false;
  if (options.gid == Preserve::keep && now.st_gid != st.st_gid) return false;
  return options.mode != Preserve::keep || (now.st_mode & 07777) == mode_of(st, options);
}

}  // namespace susten
