#include "copy/content.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sys/retry.h"

namespace susten {

namespace {

// Between two looks at the cancel flag; at 1 GB/s about 4 ms.
constexpr int64_t kStride = int64_t{4} * 1024 * 1024;
constexpr int64_t kWriteBehind = int64_t{32} * 1024 * 1024;

// A run of bytes [begin, end) that holds data.
struct Range {
  int64_t begin;
  int64_t end;
};

class ContentCopy {
 public:
  ContentCopy(Context &context, int in, int out, int64_t size, const ContentPlan &plan)
      : context_(context), in_(in), out_(out), size_(size), plan_(plan) {}

  ContentResult run(Strategy strategy, bool sparse) {
    result_.strategy = strategy;
    if (plan_.digest) context_.scratch.digest.reset();
    if (strategy == Strategy::reflink) {
      if (retry([&] { return context_.sys.ficlone(out_, in_); }) != 0) return fail(errno, "ficlone", true);
      context_.bytes.fetch_add(size_, std::memory_order_relaxed);
      return result_;
    }
    if (sparse) {
      copy_sparse();
    } else {
      copy_range({0, size_});
    }
    if (result_.ok() && plan_.digest) result_.digest = context_.scratch.digest.hex();
    return result_;
  }

  [[nodiscard]] bool wrote() const { return wrote_; }

 private:
  ContentResult fail(int number, const char *syscall, bool at_target, const char *code = "") {
    result_.number = number;
    result_.syscall = syscall;
    result_.at_target = at_target;
    result_.code = code;
    return result_;
  }

  // Copies the runs of data and leaves the holes between them.
  void copy_sparse() {
    int64_t at = 0;
    while (at < size_) {
      const off_t data = retry([&] { return context_.sys.lseek(in_, at, SEEK_DATA); });
      if (data < 0 && errno != ENXIO) {
        // The file system can't tell holes (EINVAL): copy the rest as data.
        if (errno != EINVAL && errno != EOPNOTSUPP) {
          fail(errno, "lseek", false);
          return;
        }
        copy_range({at, size_});
        return;
      }
      const int64_t begin = data < 0 ? size_ : std::min<int64_t>(data, size_);
      if (!digest_hole(begin - at)) return;
      if (begin == size_) break;
      const off_t hole = retry([&] { return context_.sys.lseek(in_, begin, SEEK_HOLE); });
      if (hole < 0 && errno != ENXIO) {  // ENXIO: cut off meanwhile
        fail(errno, "lseek", false);
        return;
      }
      const int64_t end = hole < 0 ? size_ : std::min<int64_t>(hole, size_);
      copy_range({begin, end});
      if (!result_.ok()) return;
      at = end;
    }
    // The last hole, if there is one, exists by the size alone.
    if (retry([&] { return context_.sys.ftruncate(out_, size_); }) != 0) fail(errno, "ftruncate", true);
  }

  // A hole reads as zeros; the digest must see them.
  bool digest_hole(int64_t length) {
    if (!plan_.digest || length == 0) return true;
    std::memset(context_.scratch.buffer.get(), 0, kBufferSize);
    for (int64_t left = length; left > 0;) {
      if (cancelled()) return false;
      const int64_t stride = std::min(left, kStride);
      for (int64_t done = 0; done < stride;) {
        const auto part = static_cast<size_t>(std::min<int64_t>(stride - done, kBufferSize));
        context_.scratch.digest.update(context_.scratch.buffer.get(), part);
        done += static_cast<int64_t>(part);
      }
      left -= stride;
      if (context_.between && left > 0) context_.between();
    }
    return true;
  }

  void copy_range(Range range) {
    int64_t at = range.begin;
    while (at < range.end) {
      if (cancelled()) return;
      const int64_t end = std::min(range.end, at + kStride);
      const int64_t before = at;
      while (at < end) {
        const int64_t moved = step(at, end - at);
        if (moved <= 0) return;
        at += moved;
      }
      context_.bytes.fetch_add(at - before, std::memory_order_relaxed);
      write_behind(at);
      if (context_.between && at < range.end) context_.between();
    }
  }

  // Moves some bytes at `at`; 0 when failed.
  int64_t step(int64_t at, int64_t want) {
    switch (result_.strategy) {
      case Strategy::copy_file_range: {
        off_t from = at;
        off_t to = at;
        const ssize_t moved =
            retry([&] { return context_.sys.copy_file_range(in_, &from, out_, &to, static_cast<size_t>(want)); });
        return moved_or_failed(moved, "copy_file_range");
      }
      case Strategy::sendfile: {
        if (out_at_ != at && retry([&] { return context_.sys.lseek(out_, at, SEEK_SET); }) < 0) {
          fail(errno, "lseek", true);
          return 0;
        }
        off_t from = at;
        const ssize_t moved = retry([&] { return context_.sys.sendfile(out_, in_, &from, static_cast<size_t>(want)); });
        out_at_ = moved > 0 ? at + moved : -1;
        return moved_or_failed(moved, "sendfile");
      }
      case Strategy::automatic:
      case Strategy::reflink:
      case Strategy::readwrite:
        break;
    }
    return read_write(at, want);
  }

  int64_t moved_or_failed(ssize_t moved, const char *syscall) {
    if (moved > 0) {
      wrote_ = true;
      return moved;
    }
    if (moved < 0) {
      // Which side failed isn't told; no space can only be the target's.
      const int number = errno;
      fail(number, syscall, number == ENOSPC || number == EDQUOT || number == EFBIG || number == EROFS);
    } else {
      fail(0, syscall, false, "ERR_SUSTEN_SHORT");
    }
    return 0;
  }

  int64_t read_write(int64_t at, int64_t want) {
    unsigned char *buffer = context_.scratch.buffer.get();
    const auto room = static_cast<size_t>(std::min<int64_t>(want, kBufferSize));
    const ssize_t got = retry([&] { return context_.sys.pread(in_, buffer, room, at); });
    if (got <= 0) {
      fail(got < 0 ? errno : 0, "pread", false, got < 0 ? "" : "ERR_SUSTEN_SHORT");
      return 0;
    }
    if (plan_.digest) context_.scratch.digest.update(buffer, static_cast<size_t>(got));
    for (ssize_t done = 0; done < got;) {
      const ssize_t put =
          retry([&] { return context_.sys.pwrite(out_, buffer + done, static_cast<size_t>(got - done), at + done); });
      if (put <= 0) {
        fail(put < 0 ? errno : 0, "pwrite", true, put < 0 ? "" : "ERR_SUSTEN_SHORT");
        return 0;
      }
      wrote_ = true;
      done += put;
    }
    return got;
  }

  void write_behind(int64_t at) {
    if (!plan_.write_behind || at - flushed_ < kWriteBehind) return;
    // A hint: a failure shows at the sync.
    context_.sys.sync_file_range(out_, flushed_, at - flushed_, SYNC_FILE_RANGE_WRITE);
    flushed_ = at;
  }

  bool cancelled() {
    if (!context_.cancelled.load(std::memory_order_relaxed)) return false;
    fail(0, "copy", false, "ABORT_ERR");
    return true;
  }

  Context &context_;
  int in_;
  int out_;
  int64_t size_;
  ContentPlan plan_;
  ContentResult result_;
  int64_t out_at_ = 0;
  int64_t flushed_ = 0;
  bool wrote_ = false;
};

bool should_fall_back(const ContentResult &result) {
  // A copy_file_range or sendfile that moves nothing (procfs-like files, kernels 5.3-5.18) is tried another way.
  if (result.number == 0) return std::strcmp(result.code, "ERR_SUSTEN_SHORT") == 0;
  return is_unsupported(result.number);
}

}  // namespace

ContentResult copy_content(Context &context, StrategyMemo &memo, int in, int out, const struct stat &st, dev_t out_dev,
                           const ContentPlan &plan) {
  const bool chosen = plan.strategy == Strategy::automatic;
  Strategy strategy = plan.strategy;
  if (plan.digest) {
    strategy = Strategy::readwrite;
  } else if (chosen) {
    strategy = memo.choose(st.st_dev, out_dev, context.scratch.last_strategy);
  }
  const bool sparse = static_cast<int64_t>(st.st_blocks) * 512 < st.st_size;
  if (st.st_size == 0) {
    ContentResult empty;
    empty.strategy = strategy;
    if (plan.digest) {
      context.scratch.digest.reset();
      empty.digest = context.scratch.digest.hex();
    }
    return empty;
  }
  for (;;) {
    ContentCopy copy(context, in, out, st.st_size, plan);
    ContentResult result = copy.run(strategy, sparse);
    if (result.ok() || copy.wrote() || !chosen || strategy == Strategy::readwrite || !should_fall_back(result)) {
      return result;
    }
    // EPERM and EACCES may be this file's alone; a short answer too.
    if (result.number != 0 && result.number != EPERM && result.number != EACCES) {
      memo.exclude(st.st_dev, out_dev, strategy);
    }
    strategy = next_strategy(strategy);
  }
}

}  // namespace susten
