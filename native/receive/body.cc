#include "receive/body.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sys/retry.h"

namespace susten {

namespace {

// Between two looks at what else is to be done.
constexpr int64_t kStride = int64_t{4} * 1024 * 1024;
constexpr int64_t kWriteBack = int64_t{32} * 1024 * 1024;
// Each time that room is made for more, the kernel tells the server. On loopback, 1 MiB took a third less processor
// time than 64 KiB; more than that gained nothing.
constexpr int64_t kLarge = int64_t{1024} * 1024;
// What is written and digested at once stays in the processor's cache in between.
constexpr size_t kPiece = size_t{128} * 1024;
constexpr int64_t kPage = 4096;

}  // namespace

Body::Body(Context &context, Patience &patience, const Timeouts &timeouts, int out, const Plan &plan)
    : context_(context), patience_(patience), timeouts_(timeouts), out_(out), plan_(plan) {
  Buffer &buffer = context.scratch.large;
  if (!buffer) buffer = new_buffer(kLarge);
  if (plan_.digest) context_.scratch.digest.reset();
}

// Always near the buffer's beginning, which is in the processor's cache; on a page as in the file, which copies faster.
size_t Body::start() const { return static_cast<size_t>(at_ % kPage); }
size_t Body::place() const { return start() + static_cast<size_t>(held_); }
size_t Body::room() const { return static_cast<size_t>(kLarge) - place(); }

Failure Body::receive(const Connection &connection, std::string_view early, int64_t size) {
  // Whose length is wrong may have sent less of the file than there is.
  if (static_cast<int64_t>(early.size()) > size) return broken_rules("content-length");
  const int64_t end = at_ + size;
  owed_since_ = Clock::now();
  sent_ = 0;
  Failure failure = take_early(early);
  while (!failure.failed() && at_ + held_ < end) failure = take_some(connection, end - at_ - held_);
  // What came is kept, whatever came after it; but where it can't be written, that is what counts.
  const Failure unwritten = flush();
  return unwritten.failed() ? unwritten : failure;
}

Failure Body::take_early(std::string_view early) {
  while (!early.empty()) {
    const size_t part = std::min(early.size(), room());
    std::memcpy(context_.scratch.large.get() + place(), early.data(), part);
    held_ += static_cast<int64_t>(part);
    early.remove_prefix(part);
    if (room() != 0) continue;
    const Failure failure = flush();
    if (failure.failed()) return failure;
  }
  return {};
}

// Takes in what is there, or waits for it; at most `most` bytes.
Failure Body::take_some(const Connection &connection, int64_t most) {
  if (patience_.cancelled()) return {.code = "ABORT_ERR", .syscall = "body"};
  size_t got = 0;
  const auto want = static_cast<size_t>(std::min<int64_t>(most, static_cast<int64_t>(room())));
  switch (receive_some(connection, context_.scratch.large.get() + place(), want, got)) {
    case Arrived::end:
      return {.code = "ERR_SUSTEN_SHORT", .syscall = "body"};
    case Arrived::error:
      return {.number = errno, .syscall = "recv"};
    case Arrived::nothing:
      return wait(connection);
    case Arrived::data:
      break;
  }
  held_ += static_cast<int64_t>(got);
  if (room() == 0) {
    const Failure failure = flush();
    if (failure.failed()) return failure;
  }
  // What is complete is in time.
  if (static_cast<int64_t>(got) < most && !is_lively(got)) return {.number = ETIMEDOUT, .syscall = "body"};
  return {};
}

Failure Body::wait(const Connection &connection) {
  // There is time for it.
  const Failure failure = flush();
  if (failure.failed()) return failure;
  switch (patience_.wait(connection.fd.get(), POLLIN, owed_since_ + timeouts_.stall)) {
    case Ready::cancelled:
      return {.code = "ABORT_ERR", .syscall = "body"};
    case Ready::late:
      return {.number = ETIMEDOUT, .syscall = "body"};
    case Ready::yes:
      break;
  }
  return {};
}

// One byte now and then isn't a transfer, unless that is all that is asked.
bool Body::is_lively(size_t got) {
  sent_ += static_cast<int64_t>(got);
  const Clock::time_point now = Clock::now();
  if (sent_ < timeouts_.least_bytes) return now - owed_since_ < timeouts_.stall;
  owed_since_ = now;
  sent_ = 0;
  return true;
}

Failure Body::flush() {
  if (held_ == 0) return {};
  const Clock::time_point began = Clock::now();
  const unsigned char *bytes = context_.scratch.large.get() + start();
  const auto size = static_cast<size_t>(held_);
  for (size_t done = 0; done < size;) {
    const size_t piece = std::min(size - done, kPiece);
    const off_t to = at_ + static_cast<int64_t>(done);
    const ssize_t put = retry([&] { return context_.sys.pwrite(out_, bytes + done, piece, to); });
    if (put <= 0) {
      held_ = 0;
      return {.number = put < 0 ? errno : 0,
              .code = put < 0 ? "" : "ERR_SUSTEN_SHORT",
              .syscall = "pwrite",
              .side = Side::target};
    }
    if (plan_.digest) context_.scratch.digest.update(bytes + done, static_cast<size_t>(put));
    done += static_cast<size_t>(put);
  }
  context_.bytes.fetch_add(held_, std::memory_order_relaxed);
  at_ += held_;
  held_ = 0;
  if (plan_.write_behind && at_ - written_back_ >= kWriteBack) {
    // A hint: a failure shows at the sync.
    context_.sys.sync_file_range(out_, written_back_, at_ - written_back_, SYNC_FILE_RANGE_WRITE);
    written_back_ = at_;
  }
  if (at_ - looked_ >= kStride) {
    looked_ = at_;
    if (context_.between) context_.between();
  }
  // What this took isn't the server's fault.
  owed_since_ += Clock::now() - began;
  return {};
}

Failure Body::restart() {
  if (retry([&] { return context_.sys.ftruncate(out_, 0); }) != 0) {
    return {.number = errno, .syscall = "ftruncate", .side = Side::target};
  }
  context_.bytes.fetch_sub(at_, std::memory_order_relaxed);
  at_ = held_ = written_back_ = looked_ = 0;
  if (plan_.digest) context_.scratch.digest.reset();
  return {};
}

std::string Body::digest() const { return plan_.digest ? context_.scratch.digest.hex() : std::string(); }

}  // namespace susten
