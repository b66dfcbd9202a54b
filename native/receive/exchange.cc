#include "receive/exchange.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace susten {

namespace {

// The body is better read into larger buffers.
constexpr size_t kPiece = size_t{2} * 1024;
constexpr std::string_view kHeaderEnd = "\r\n\r\n";
// "100 Continue" and its like, before the answer.
constexpr int kMostInterim = 8;
// The text of an error, say.
constexpr int64_t kSmallBody = int64_t{64} * 1024;
constexpr auto kSmallWait = std::chrono::milliseconds(100);

bool has_no_body(int status) { return status == 204 || status == 304; }

}  // namespace

Failure Exchange::ask(const std::string &request) {
  for (;;) {
    std::optional<Connection> kept = connections_.take(server_);
    if (kept) {
      connection_ = std::move(*kept);
    } else {
      const Failure failure = connect_to(sys_, server_, patience_, timeouts_.connect, connection_);
      if (failure.failed()) return failure;
    }
    filled_ = begin_ = 0;
    const Clock::time_point until = Clock::now() + timeouts_.header;
    Failure failure = send_all(connection_, request, patience_, until);
    if (!failure.failed()) failure = read_header(until);
    if (!failure.failed()) return failure;
    // A server may close a connection that waits, just when it is used again. Nothing came by it: then it is as if it
    // had not been there.
    const bool is_closed =
        failure.number == ECONNRESET || failure.number == EPIPE || std::strcmp(failure.code, "ERR_SUSTEN_SHORT") == 0;
    if (!connection_.is_used || filled_ > 0 || !is_closed) return failure;
  }
}

Failure Exchange::read_header(Clock::time_point until) {
  for (int interim = 0;;) {
    const size_t end = std::string_view(buffer_.data(), filled_).find(kHeaderEnd);
    if (end == std::string_view::npos) {
      const Failure failure = more(until);
      if (failure.failed()) return failure;
      continue;
    }
    begin_ = end + kHeaderEnd.size();
    if (const char *part = parse_answer({buffer_.data(), begin_}, answer_)) return broken_rules(part);
    if (answer_.status >= 200) return {};
    // Nobody asked for another protocol.
    if (answer_.status == 101 || ++interim > kMostInterim) return broken_rules("status-line");
    std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
    filled_ -= std::exchange(begin_, 0);
  }
}

// Takes in some more bytes of the header.
Failure Exchange::more(Clock::time_point until) {
  if (filled_ == buffer_.size()) return broken_rules("header-size");
  for (;;) {
    size_t got = 0;
    const size_t room = std::min(kPiece, buffer_.size() - filled_);
    switch (receive_some(connection_, buffer_.data() + filled_, room, got)) {
      case Arrived::data:
        filled_ += got;
        // One byte now and then must not go on for ever.
        if (Clock::now() >= until) return {.number = ETIMEDOUT, .syscall = "header"};
        return {};
      case Arrived::end:
        return {.code = "ERR_SUSTEN_SHORT", .syscall = "header"};
      case Arrived::error:
        return {.number = errno, .syscall = "recv"};
      case Arrived::nothing:
        break;
    }
    const Ready ready = patience_.wait(connection_.fd.get(), POLLIN, until);
    if (ready == Ready::cancelled) return {.code = "ABORT_ERR", .syscall = "header"};
    if (ready == Ready::late) return {.number = ETIMEDOUT, .syscall = "header"};
  }
}

Failure Exchange::conclude() {
  const Arrived beyond = peek(connection_);
  // Whose length is wrong may have sent less of the file than there is.
  if (beyond == Arrived::data) return broken_rules("content-length");
  if (beyond == Arrived::nothing && answer_.keeps_alive) connections_.keep(std::move(connection_));
  connection_ = Connection();
  return {};
}

void Exchange::decline() {
  const int64_t size = has_no_body(answer_.status) ? 0 : answer_.content_length.value_or(-1);
  const bool is_plain = answer_.find("transfer-encoding") == nullptr;
  if (answer_.keeps_alive && is_plain && size >= 0 && size <= kSmallBody && skip(static_cast<size_t>(size))) {
    static_cast<void>(conclude());
  }
  connection_ = Connection();
}

bool Exchange::skip(size_t size) {
  if (early().size() > size) return false;
  const Clock::time_point until = Clock::now() + kSmallWait;
  for (size_t left = size - early().size(); left > 0;) {
    size_t got = 0;
    // The header has been read: its place is free.
    const Arrived arrived = receive_some(connection_, buffer_.data(), std::min(left, buffer_.size()), got);
    left -= got;
    if (arrived == Arrived::end || arrived == Arrived::error || Clock::now() >= until) return false;
    if (arrived == Arrived::nothing && patience_.wait(connection_.fd.get(), POLLIN, until) != Ready::yes) return false;
  }
  return true;
}

}  // namespace susten
