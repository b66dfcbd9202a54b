#include "sys/entries.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "sys/retry.h"

namespace susten {

namespace {

// About a thousand short names; bounds what one directory holds in memory.
constexpr size_t kPiece = size_t{32} * 1024;

// linux/dirent64, as getdents64(2) lays it out.
struct Record {
  uint64_t ino;
  int64_t offset;
  uint16_t length;
  uint8_t type;
};
constexpr size_t kNameOffset = 19;

Kind kind_of_type(uint8_t type) {
  switch (type) {
    case DT_REG:
      return Kind::file;
    case DT_DIR:
      return Kind::directory;
    case DT_LNK:
      return Kind::symlink;
    case DT_FIFO:
      return Kind::fifo;
    case DT_SOCK:
      return Kind::socket;
    case DT_CHR:
    case DT_BLK:
      return Kind::device;
    default:
      return Kind::unknown;
  }
}

void look_at(Sys &sys, int fd, TreeEntry &entry, bool follow) {
  struct stat st {};
  if (retry([&] { return sys.fstatat(fd, entry.name.c_str(), &st, follow ? 0 : AT_SYMLINK_NOFOLLOW); }) != 0) {
    entry.error = errno;
    return;
  }
  entry.kind = kind_of(st.st_mode);
}

}  // namespace

Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return Kind::file;
  if (S_ISDIR(mode)) return Kind::directory;
  if (S_ISLNK(mode)) return Kind::symlink;
  if (S_ISFIFO(mode)) return Kind::fifo;
  if (S_ISSOCK(mode)) return Kind::socket;
  if (S_ISCHR(mode) || S_ISBLK(mode)) return Kind::device;
  return Kind::unknown;
}

int read_entries(Sys &sys, int fd, bool dereference, std::vector<TreeEntry> &entries) {
  alignas(Record) std::array<char, kPiece> piece{};
  const ssize_t size = retry([&] { return sys.getdents64(fd, piece.data(), piece.size()); });
  if (size <= 0) return static_cast<int>(size);
  for (size_t at = 0; at < static_cast<size_t>(size);) {
    uint16_t length = 0;
    std::memcpy(&length, piece.data() + at + offsetof(Record, length), sizeof length);
    const auto type = static_cast<uint8_t>(piece[at + offsetof(Record, type)]);
    const char *name = piece.data() + at + kNameOffset;
    at += length;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    TreeEntry entry;
    entry.name = name;
    entry.kind = kind_of_type(type);
    if (entry.kind == Kind::unknown) look_at(sys, fd, entry, false);
    if (entry.kind == Kind::symlink && dereference && entry.error == 0) {
      entry.follow = true;
      look_at(sys, fd, entry, true);
    }
    entries.push_back(std::move(entry));
  }
  return 1;
}

}  // namespace susten
