// One request, and the header of its answer.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "receive/answer.h"
#include "receive/connections.h"
#include "receive/failure.h"
#include "receive/patience.h"

namespace susten {

class Exchange {
 public:
  Exchange(Sys &sys, Connections &connections, const Server &server, const Timeouts &timeouts, Patience &patience)
      : sys_(sys), connections_(connections), server_(server), timeouts_(timeouts), patience_(patience) {}

  // Sends `request` and reads the answer's header, on a connection that was kept or on a new one.
  Failure ask(const std::string &request);

  [[nodiscard]] const Answer &answer() const { return answer_; }
  [[nodiscard]] const Connection &connection() const { return connection_; }
  // What of the body came along with the header.
  [[nodiscard]] std::string_view early() const { return std::string_view(buffer_.data(), filled_).substr(begin_); }

  // The body was read to its end, `early()` included: the connection serves the next request, if the server has nothing
  // to say against it. Fails if there is more than the body.
  Failure conclude();
  // The body isn't wanted. If it is a small one it is read all the same, for the connection's sake.
  void decline();

 private:
  Failure read_header(Clock::time_point until);
  Failure more(Clock::time_point until);
  bool skip(size_t size);

  Sys &sys_;
  Connections &connections_;
  const Server &server_;
  const Timeouts &timeouts_;
  Patience &patience_;
  Connection connection_;
  Answer answer_;
  std::array<char, kMostHeader> buffer_{};
  size_t filled_ = 0;
  // Behind the header.
  size_t begin_ = 0;
};

}  // namespace susten
