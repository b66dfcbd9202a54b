#include "volume/volume.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "sys/fd.h"
#include "sys/retry.h"
#include "volume/identifier.h"
#include "volume/mounts.h"

namespace susten {
namespace {

// Keeps the identity printable ASCII without blanks in its parts, so that it survives any journal and terminal.
std::string encode(std::string_view bytes) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (const char character : bytes) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte > ' ' && byte < 0x7f && byte != '%') {
      text += character;
    } else {
      text += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return text;
}

// The value of `key` ("name=") among comma-separated options, empty if absent.
std::string_view option(std::string_view options, std::string_view key) {
  for (;;) {
    const size_t comma = options.find(',');
    if (options.starts_with(key)) return options.substr(key.size(), comma - key.size());
    if (comma == std::string_view::npos) return {};
    options.remove_prefix(comma + 1);
  }
}

std::string magic_of(const struct statfs &st) {
  std::array<char, 16> text{};
  const auto [end, problem] =
      std::to_chars(text.data(), text.data() + text.size(), static_cast<uint32_t>(st.f_type), 16);
  return "0x" + std::string(text.data(), problem == std::errc() ? end : text.data());
}

std::string compose(const Mount &mount, bool listed, const std::string &identifier) {
  std::string identity = encode(mount.type);
  if (!identifier.empty()) identity += ' ' + identifier;
  if (!listed) return identity + " unlisted";
  if (identifier.empty()) {
    identity += " source=" + encode(mount.source);
    // All overlays are called "overlay"; what makes one is its writable layer.
    const std::string_view upper = option(mount.options, "upperdir=");
    if (mount.type == "overlay" && !upper.empty()) identity += " upper=" + encode(upper);
  }
  return identity + " root=" + encode(mount.root) + " at=" + encode(mount.point);
}

// What statfs and the mount table tell about an open file.
struct Place {
  Mount mount;
  std::string identity;
};

Error read_place(Sys &sys, int fd, Place &place) {
  struct statfs st;
  if (retry([&] { return sys.fstatfs(fd, &st); }) != 0) return last_error("fstatfs");
  uint64_t id = 0;
  Error error = read_mount_id(sys, fd, id);
  if (error.failed()) return error;
  bool listed = false;
  error = find_mount(sys, id, listed, place.mount);
  if (error.failed()) return error;
  if (!listed) {
    place.mount = Mount();
    place.mount.id = id;
    place.mount.type = magic_of(st);
  }
  std::string identifier;
  error = read_identifier(sys, fd, st, identifier);
  if (error.failed()) return error;
  place.identity = compose(place.mount, listed, identifier);
  return {};
}

double fraction(uint64_t used, uint64_t available) {
  const double sum = static_cast<double>(used) + static_cast<double>(available);
  return sum > 0 ? static_cast<double>(used) / sum : 0;
}

uint64_t difference(uint64_t all, uint64_t part) { return all > part ? all - part : 0; }

Error read_figures(Sys &sys, int fd, Volume &out) {
  struct statvfs st;
  if (retry([&] { return sys.fstatvfs(fd, &st); }) != 0) return last_error("fstatvfs");
  const uint64_t unit = st.f_frsize != 0 ? st.f_frsize : st.f_bsize;
  out.total = st.f_blocks * unit;
  out.available = st.f_bavail * unit;
  out.free = st.f_bfree * unit;
  out.fill = fraction(difference(st.f_blocks, st.f_bfree), st.f_bavail);
  out.inodes = st.f_files;
  out.inodes_available = st.f_favail;
  out.inode_fill = st.f_files != 0 ? fraction(difference(st.f_files, st.f_ffree), st.f_favail) : 0;
  out.read_only = (st.f_flag & ST_RDONLY) != 0;
  return {};
}

Error read_open(Sys &sys, int fd, Volume &out) {
  struct stat st;
  if (retry([&] { return sys.fstat(fd, &st); }) != 0) return last_error("fstat");
  Error error = read_figures(sys, fd, out);
  if (error.failed()) return error;
  Place place;
  error = read_place(sys, fd, place);
  if (error.failed()) return error;
  out.dev = st.st_dev;
  out.fs_type = std::move(place.mount.type);
  out.mount_point = std::move(place.mount.point);
  out.mount_source = std::move(place.mount.source);
  out.mount_id = place.mount.id;
  out.identity = std::move(place.identity);
  return {};
}

}  // namespace

Error read_volume(Sys &sys, const std::string &path, Volume &out) {
  out = Volume();
  // O_DIRECTORY makes an automount happen, O_PATH alone wouldn't.
  Fd fd(sys, retry([&] { return sys.open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0); }));
  if (!fd && errno == ENOTDIR) fd = Fd(sys, retry([&] { return sys.open(path.c_str(), O_PATH | O_CLOEXEC, 0); }));
  Error error = fd ? read_open(sys, fd.get(), out) : last_error("open");
  if (error.failed() && error.path.empty()) error.path = path;
  return error;
}

Error read_identity(Sys &sys, int dirfd, std::string &identity) {
  Place place;
  Error error = read_place(sys, dirfd, place);
  identity = error.failed() ? std::string() : std::move(place.identity);
  return error;
}

}  // namespace susten
