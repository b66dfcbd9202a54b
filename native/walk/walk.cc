#include "walk/walk.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>
#include <utility>

#include "sys/beneath.h"
#include "sys/dents.h"
#include "sys/fd.h"
#include "sys/retry.h"
#include "sys/temp_name.h"
#include "sys/timestamp.h"

namespace susten {
namespace {

// Directories held open: the deepest ones. Those above are opened again, and recognised, on the way back.
constexpr size_t kOpenLimit = 64;
// A directory is read piece by piece. Of each directory above, the subdirectories of one piece are remembered, so
// pieces are smaller where there are many such.
constexpr size_t kPiece = 32 * 1024;
constexpr size_t kDeepPiece = 4 * 1024;
// Entries and directories looked at in one call of next(), so that it ends soon even where there are few files.
constexpr size_t kStepLimit = 4096;
// Names in one batch, since a hostile one may be as long as the tree is deep.
constexpr size_t kNameLimit = 1024 * 1024;

constexpr int kDirFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

// What a name says that was there a moment ago: removed, or replaced by something else.
bool is_vanished(int number) { return number == ENOENT || number == ENOTDIR || number == ELOOP; }

// A directory on the way from the start to where the walk is.
struct Frame {
  Fd fd;  // closed while kOpenLimit deeper ones are open
  uint64_t dev = 0;
  uint64_t ino = 0;
  int64_t position = 0;       // where the next piece begins
  size_t path_size = 0;       // how much of the path is this directory's
  std::string directories;    // names of subdirectories in the last piece, each ended by NUL
  size_t next_directory = 0;  // offset of the first one not yet entered
  bool at_end = false;
};

}  // namespace

class Walk::Impl {
 public:
  Impl(Sys &sys, std::string root, std::string below, bool cross_mounts)
      : sys_(sys), root_(std::move(root)), path_(std::move(below)), cross_mounts_(cross_mounts) {}

  Step next(std::vector<Entry> &batch, std::vector<Error> &unreadable, size_t max, Error &error) {
    batch.clear();
    unreadable.clear();
    error = Error();
    batch_ = &batch;
    unreadable_ = &unreadable;
    room_ = std::max<size_t>(max, 1);
    name_room_ = kNameLimit;
    steps_ = 0;
    if (!started_) {
      started_ = true;
      error = start();
      if (error.failed()) frames_.clear();
    }
    while (!frames_.empty() && !is_full()) advance();
    if (frames_.empty()) base_.reset();
    return frames_.empty() ? Step::finished : Step::more;
  }

 private:
  [[nodiscard]] bool is_full() const {
    return batch_->size() + unreadable_->size() >= room_ || name_room_ == 0 || steps_ >= kStepLimit;
  }

  Error start() {
    Fd root(sys_, retry([&] { return sys_.open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); }));
    if (!root) return last_error("open", root_);
    const bool below = !path_.empty();
    base_ = below ? Fd(sys_, open_beneath(sys_, root.get(), path_, kDirFlags)) : std::move(root);
    if (!base_) return last_error("open", absolute(path_));
    if (below) path_ += '/';
    base_size_ = path_.size();
    Fd first(sys_, retry([&] { return sys_.openat(base_.get(), ".", kDirFlags, 0); }));
    struct stat st;
    if (!first || sys_.fstat(first.get(), &st) != 0) return last_error(first ? "fstat" : "open", absolute(path_));
    dev_ = st.st_dev;
    push(std::move(first), st);
    return {};
  }

  void advance() {
    ++steps_;
    Frame &top = frames_.back();
    if (piece_at_ < piece_size_) {
      take_entry();
    } else if (top.next_directory < top.directories.size()) {
      const std::string name(top.directories.c_str() + top.next_directory);
      top.next_directory += name.size() + 1;
      enter(name);
    } else if (!top.at_end) {
      read_piece();
    } else {
      leave();
    }
  }

  void read_piece() {
    Frame &top = frames_.back();
    top.directories.clear();
    top.next_directory = 0;
    piece_.resize(kPiece);
    const size_t size = frames_.size() > kOpenLimit ? kDeepPiece : kPiece;
    const ssize_t got = retry([&] { return sys_.getdents64(top.fd.get(), piece_.data(), size); });
    piece_at_ = 0;
    piece_size_ = got > 0 ? static_cast<size_t>(got) : 0;
    if (got > 0) return;
    top.at_end = true;
    if (got < 0 && errno != ENOENT) report("getdents64", path_);
  }

  void take_entry() {
    const Dent dent = read_dent(piece_.data() + piece_at_);
    piece_at_ += dent.size;
    Frame &top = frames_.back();
    top.position = dent.next;
    if (dent.is_dots()) return;
    if (dent.type == DT_DIR) {
      if (is_temp_name(dent.name)) return;
      top.directories.append(dent.name).push_back('\0');
    } else if (dent.type == DT_REG || dent.type == DT_UNKNOWN) {
      take_file(dent.name);
    }
  }

  void take_file(const char *name) {
    if (is_temp_name(name)) return;
    if (path_.size() + std::strlen(name) >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return report("fstatat", path_ + name);
    }
    Frame &top = frames_.back();
    struct stat st;
    if (retry([&] { return sys_.fstatat(top.fd.get(), name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT); }) != 0) {
      if (!is_vanished(errno)) report("fstatat", path_ + name);
      return;
    }
    if (S_ISDIR(st.st_mode)) top.directories.append(name).push_back('\0');
    if (!S_ISREG(st.st_mode)) return;
    Entry entry;
    entry.name = path_ + name;
    entry.dev = st.st_dev;
    entry.ino = st.st_ino;
    entry.size = st.st_size;
    entry.mtime_ns = to_ns(st.st_mtim);
    entry.ctime_ns = to_ns(st.st_ctim);
    name_room_ -= std::min(name_room_, entry.name.size());
    batch_->push_back(std::move(entry));
  }

  void enter(const std::string &name) {
    // What is deeper no ordinary program can open, nor is it ever copied.
    if (path_.size() + name.size() >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return report("openat", path_ + name);
    }
    Fd fd(sys_, retry([&] { return sys_.openat(frames_.back().fd.get(), name.c_str(), kDirFlags, 0); }));
    struct stat st;
    if (!fd || sys_.fstat(fd.get(), &st) != 0) {
      if (!is_vanished(errno)) report(fd ? "fstat" : "openat", path_ + name);
      return;
    }
    if (!cross_mounts_ && st.st_dev != dev_) return;
    path_.append(name).push_back('/');
    push(std::move(fd), st);
  }

  void push(Fd fd, const struct stat &st) {
    if (frames_.size() >= kOpenLimit) frames_[frames_.size() - kOpenLimit].fd.reset();
    Frame frame;
    frame.fd = std::move(fd);
    frame.dev = st.st_dev;
    frame.ino = st.st_ino;
    frame.path_size = path_.size();
    frames_.push_back(std::move(frame));
  }

  void leave() {
    const Fd child = std::move(frames_.back().fd);
    frames_.pop_back();
    if (frames_.empty()) return;
    Frame &top = frames_.back();
    path_.resize(top.path_size);
    if (top.fd) return;
    top.fd = reopen(top, child);
    if (top.fd) return;
    // What is left of it is lost to this walk; say so and go on above.
    report("openat", path_);
    top.at_end = true;
    top.directories.clear();
    top.next_directory = 0;
  }

  // Opens a directory above again: from its child or, should that have been moved, by its path. It must be the same.
  Fd reopen(const Frame &frame, const Fd &child) {
    Fd fd;
    if (child) fd = recognise(frame, Fd(sys_, retry([&] { return sys_.openat(child.get(), "..", kDirFlags, 0); })));
    if (fd) return fd;
    const bool is_base = path_.size() == base_size_;
    return recognise(frame, Fd(sys_, is_base ? retry([&] { return sys_.openat(base_.get(), ".", kDirFlags, 0); })
                                             : open_beneath(sys_, base_.get(), below_base(), kDirFlags)));
  }

  // `fd` if it is `frame`'s directory and could be set to its position, else a closed one and errno.
  Fd recognise(const Frame &frame, Fd fd) {
    struct stat st;
    if (!fd || sys_.fstat(fd.get(), &st) != 0) return {};
    int number = ESTALE;
    if (st.st_dev == frame.dev && st.st_ino == frame.ino) {
      if (sys_.lseek(fd.get(), frame.position, SEEK_SET) >= 0) return fd;
      number = errno;
    }
    fd.reset();
    errno = number;
    return {};
  }

  void report(const char *call, std::string_view name) { unreadable_->push_back(last_error(call, absolute(name))); }

  // The path of `name`, which may end with a slash, for messages.
  [[nodiscard]] std::string absolute(std::string_view name) const {
    if (name.ends_with('/')) name.remove_suffix(1);
    std::string text = root_;
    if (!name.empty()) {
      if (!text.ends_with('/')) text += '/';
      text += name;
    }
    return text;
  }

  [[nodiscard]] std::string below_base() const { return path_.substr(base_size_, path_.size() - base_size_ - 1); }

  Sys &sys_;
  const std::string root_;
  std::string path_;  // of the deepest directory, below the root; empty or ended by a slash
  const bool cross_mounts_;
  bool started_ = false;
  Fd base_;  // the start
  size_t base_size_ = 0;
  uint64_t dev_ = 0;
  std::vector<Frame> frames_;
  std::vector<char> piece_;  // of the deepest directory
  size_t piece_at_ = 0;
  size_t piece_size_ = 0;
  // Of the running call of next().
  std::vector<Entry> *batch_ = nullptr;
  std::vector<Error> *unreadable_ = nullptr;
  size_t room_ = 0;
  size_t name_room_ = 0;
  size_t steps_ = 0;
};

Walk::Walk(Sys &sys, std::string root, std::string below, bool cross_mounts)
    : impl_(std::make_unique<Impl>(sys, std::move(root), std::move(below), cross_mounts)) {}
Walk::~Walk() = default;

Walk::Step Walk::next(std::vector<Entry> &batch, std::vector<Error> &unreadable, size_t max, Error &error) {
  return impl_->next(batch, unreadable, max, error);
}

}  // namespace susten
