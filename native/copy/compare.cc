#include "copy/compare.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sys/retry.h"

namespace susten {

namespace {

// Between two looks at whether to go on; at 1 GB/s about 4 ms.
constexpr int64_t kStride = int64_t{4} * 1024 * 1024;

// Reads up to a buffer at `at`; 0 and `error` set when it can't.
size_t read_part(Context &context, int fd, unsigned char *buffer, int64_t at, int64_t size, int &error) {
  const auto want = static_cast<size_t>(std::min<int64_t>(size - at, kBufferSize));
  size_t got = 0;
  while (got < want) {
    const ssize_t part =
        retry([&] { return context.sys.pread(fd, buffer + got, want - got, at + static_cast<int64_t>(got)); });
    if (part <= 0) {
      error = part < 0 ? errno : -1;
      return 0;
    }
    got += static_cast<size_t>(part);
  }
  return got;
}

class ContentDigest {
 public:
  ContentDigest(Context &context, int fd, int64_t size, const DigestPlan &plan)
      : context_(context), fd_(fd), size_(size), plan_(plan), skips_holes_(plan.skip_holes) {}

  std::string run(int &error) {
    context_.scratch.digest.reset();
    error = 0;
    for (int64_t at = 0; at < size_ && error == 0;) {
      if (must_stop(at)) {
        error = -1;
        break;
      }
      if (at == end_) find_run(at);
      const int64_t end = std::min(end_, at + kStride);
      if (is_hole_) {
        digest_zeros(end - at);
      } else {
        error = digest_data(at, end);
      }
      at = end;
    }
    return error == 0 ? context_.scratch.digest.hex() : std::string();
  }

 private:
  bool must_stop(int64_t at) {
    return context_.cancelled.load(std::memory_order_relaxed) || (at > 0 && plan_.must_stop && plan_.must_stop());
  }

  // What begins at `at`, and where it ends. The last byte is always read: a file that was cut off has no hole there.
  void find_run(int64_t at) {
    end_ = size_;
    is_hole_ = false;
    if (!skips_holes_) return;
    const off_t data = retry([&] { return context_.sys.lseek(fd_, at, SEEK_DATA); });
    if (data < 0 && errno != ENXIO) {
      skips_holes_ = false;
      return;
    }
    const int64_t begin = data < 0 ? size_ - 1 : std::min<int64_t>(data, size_ - 1);
    if (begin > at) {
      end_ = begin;
      is_hole_ = true;
      return;
    }
    const off_t hole = retry([&] { return context_.sys.lseek(fd_, at, SEEK_HOLE); });
    if (hole > at) end_ = std::min<int64_t>(hole, size_);
  }

  void digest_zeros(int64_t length) {
    unsigned char *buffer = context_.scratch.buffer.get();
    const auto part = static_cast<size_t>(std::min<int64_t>(length, kBufferSize));
    std::memset(buffer, 0, part);
    for (int64_t left = length; left > 0; left -= static_cast<int64_t>(part)) {
      context_.scratch.digest.update(buffer, static_cast<size_t>(std::min<int64_t>(left, static_cast<int64_t>(part))));
    }
  }

  int digest_data(int64_t at, int64_t end) {
    int error = 0;
    while (at < end) {
      if (context_.cancelled.load(std::memory_order_relaxed)) return -1;
      const size_t got = read_part(context_, fd_, context_.scratch.buffer.get(), at, end, error);
      if (got == 0) return error;
      context_.scratch.digest.update(context_.scratch.buffer.get(), got);
      at += static_cast<int64_t>(got);
    }
    return 0;
  }

  Context &context_;
  int fd_;
  int64_t size_;
  const DigestPlan &plan_;
  bool skips_holes_;
  // Of the run that is being read.
  int64_t end_ = 0;
  bool is_hole_ = false;
};

}  // namespace

std::string digest_of(Context &context, int fd, int64_t size, int &error, const DigestPlan &plan) {
  return ContentDigest(context, fd, size, plan).run(error);
}

bool same_content(Context &context, int left, int right, int64_t size, int &error) {
  error = 0;
  for (int64_t at = 0; at < size;) {
    if (context.cancelled.load(std::memory_order_relaxed)) {
      error = -1;
      return false;
    }
    const size_t got = read_part(context, left, context.scratch.buffer.get(), at, size, error);
    if (got == 0 || read_part(context, right, context.scratch.second.get(), at, size, error) != got) return false;
    if (std::memcmp(context.scratch.buffer.get(), context.scratch.second.get(), got) != 0) return false;
    at += static_cast<int64_t>(got);
  }
  return true;
}

}  // namespace susten
