#include "volume/identifier.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "sys/fd.h"
#include "sys/retry.h"

namespace susten {
namespace {

// linux/fs.h since kernel 6.9; headers may be older than the kernel.
struct FsUuid {
  uint8_t size;
  uint8_t bytes[16];
};
constexpr unsigned long kGetFsUuid = _IOR(0x15, 0, FsUuid);

// xfs_fs.h: the geometry in its oldest form, which every kernel answers.
struct XfsGeometry {
  uint32_t before[8];
  uint64_t blocks[4];
  uint8_t uuid[16];
  uint32_t after[8];
};
static_assert(sizeof(XfsGeometry) == 112);
constexpr unsigned long kXfsGeometry = _IOR('X', 100, XfsGeometry);

// Not in linux/magic.h everywhere.
constexpr uint64_t kXfs = 0x58465342;
constexpr uint64_t kZfs = 0x2fc12fc1;
constexpr uint64_t kBcachefs = 0xca451a4e;

// Whether statfs's f_fsid comes from a stored UUID (btrfs: and the subvolume; tmpfs since 5.13: random, for each
// mount). Elsewhere it is the device number, another machine's, or nothing.
bool has_lasting_fsid(uint64_t magic) {
  switch (magic) {
    case EXT4_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case kZfs:
    case kBcachefs:
      return true;
    default:
      return false;
  }
}

std::string to_hex(const uint8_t *bytes, size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string from_fsid(const struct statfs &st) {
  static_assert(sizeof st.f_fsid == sizeof(uint64_t));
  uint32_t parts[2];
  std::memcpy(parts, &st.f_fsid, sizeof parts);
  if (parts[0] == 0 && parts[1] == 0) return {};
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(parts[i / 4] >> (8 * (i % 4)));
  return "fsid=" + to_hex(bytes, sizeof bytes);
}

std::string from_uuid(const uint8_t *bytes, size_t size) {
  if (std::all_of(bytes, bytes + size, [](uint8_t byte) { return byte == 0; })) return {};
  return "uuid=" + to_hex(bytes, size);
}

// Opens the file behind `fd` such that ioctl takes it. Left closed, without an error, where that isn't possible.
Error reopen(Sys &sys, int fd, Fd &out) {
  struct stat st;
  if (sys.fstat(fd, &st) != 0) return last_error("fstat");
  constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  if (S_ISDIR(st.st_mode)) {
    out = Fd(sys, retry([&] { return sys.openat(fd, ".", flags | O_DIRECTORY, 0); }));
  } else if (S_ISREG(st.st_mode)) {
    const std::string path = "/proc/thread-self/fd/" + std::to_string(fd);
    out = Fd(sys, retry([&] { return sys.open(path.c_str(), flags, 0); }));
  } else {
    return {};
  }
  // A lack of descriptors must not look like another file system; a lack of permission is here to stay.
  if (!out && errno != EACCES && errno != EPERM) return last_error("open");
  return {};
}

bool is_unsupported(int number) {
  return number == ENOTTY || number == EINVAL || number == EOPNOTSUPP || number == ENOSYS || number == EPERM ||
         number == EACCES;
}

}  // namespace

Error read_identifier(Sys &sys, int fd, const struct statfs &st, std::string &identifier) {
  identifier.clear();
  const auto magic = static_cast<uint64_t>(static_cast<uint32_t>(st.f_type));
  if (has_lasting_fsid(magic)) identifier = from_fsid(st);
  if (!identifier.empty()) return {};
  Fd file;
  Error error = reopen(sys, fd, file);
  if (error.failed() || !file) return error;
  if (magic == kXfs) {
    XfsGeometry geometry = {};
    if (::ioctl(file.get(), kXfsGeometry, &geometry) == 0) {
      identifier = from_uuid(geometry.uuid, sizeof geometry.uuid);
      return {};
    }
    if (!is_unsupported(errno)) return last_error("ioctl");
  }
  FsUuid uuid = {};
  if (::ioctl(file.get(), kGetFsUuid, &uuid) == 0) {
    identifier = from_uuid(uuid.bytes, std::min<size_t>(uuid.size, sizeof uuid.bytes));
  } else if (!is_unsupported(errno)) {
    return last_error("ioctl");
  }
  return {};
}

}  // namespace susten
