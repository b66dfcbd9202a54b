#include "commit/directory.h"

#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "sys/retry.h"

namespace susten {

namespace {

// From linux/magic.h and the file systems' own sources.
constexpr uint32_t kTmpfs = 0x01021994;
constexpr uint32_t kRamfs = 0x858458f6;
constexpr uint32_t kExt = 0xef53;
constexpr uint32_t kXfs = 0x58465342;
constexpr uint32_t kBtrfs = 0x9123683e;
constexpr uint32_t kF2fs = 0xf2f52010;
constexpr uint32_t kBcachefs = 0xca451a4e;
constexpr uint32_t kZfs = 0x2fc12fc1;
constexpr uint32_t kOverlay = 0x794c7630;

// Below this size no question is asked.
constexpr int64_t kCertainlyFits = int64_t{1} << 30;

// Before Linux 5.8 syncfs didn't report write-back errors.
bool syncfs_reports_errors() {
  struct utsname name {};
  int major = 0;
  int minor = 0;
  // NOLINTNEXTLINE(cert-err34-c): a failure means "old kernel", the safe answer
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 8);
}

void describe(Directory &directory, uint32_t type) {
  static const bool reports = syncfs_reports_errors();
  switch (type) {
    case kTmpfs:
    case kRamfs:
      directory.is_volatile = true;
      break;
    case kExt:
    case kXfs:
    case kBtrfs:
    case kF2fs:
    case kBcachefs:
      directory.can_syncfs = reports;
      break;
    case kZfs:
    case kOverlay:
      break;
    default:
      directory.is_remote = true;
  }
}

}  // namespace

DirectoryRef adopt_directory(Sys &sys, Fd fd, std::string path, Error &failure) {
  struct stat st {};
  if (retry([&] { return sys.fstat(fd.get(), &st); }) != 0) {
    failure = {.number = errno, .code = {}, .syscall = "fstat", .path = std::move(path), .dest = {}};
    return nullptr;
  }
  return adopt_directory(sys, std::move(fd), std::move(path), st, Directory{}, failure);
}

DirectoryRef adopt_directory(Sys &sys, Fd fd, std::string path, const struct stat &st, const Directory &like,
                             Error &failure) {
  auto directory = std::make_shared<Directory>();
  if (like.fd && like.dev == st.st_dev) {
    directory->is_volatile = like.is_volatile;
    directory->can_syncfs = like.can_syncfs;
    directory->is_remote = like.is_remote;
  } else {
    struct statfs fs {};
    if (retry([&] { return sys.fstatfs(fd.get(), &fs); }) != 0) {
      failure = {.number = errno, .code = {}, .syscall = "fstatfs", .path = std::move(path), .dest = {}};
      return nullptr;
    }
    describe(*directory, static_cast<uint32_t>(fs.f_type));
  }
  directory->fd = std::move(fd);
  directory->path = std::move(path);
  directory->dev = st.st_dev;
  directory->ino = st.st_ino;
  directory->uid = st.st_uid;
  return directory;
}

int could_hold(Sys &sys, const Directory &directory, int64_t size) {
  if (size <= kCertainlyFits) return 0;
  struct statvfs fs {};
  if (retry([&] { return sys.fstatvfs(directory.fd.get(), &fs); }) != 0) return errno;
  const uint64_t room = static_cast<uint64_t>(fs.f_blocks) * fs.f_frsize;
  return room == 0 || static_cast<uint64_t>(size) <= room ? 0 : EFBIG;
}

std::string join_path(const std::string &directory, const std::string &name) {
  if (name.empty()) return directory;
  if (directory.empty()) return name;
  if (directory.back() == '/') return directory + name;
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path.append(directory).append(1, '/').append(name);
  return path;
}

}  // namespace susten
