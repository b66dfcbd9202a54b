// Connections to servers, some of them kept open for the next request.
#pragma once

#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "receive/failure.h"
#include "receive/patience.h"
#include "receive/server.h"
#include "sys/fd.h"

namespace susten {

struct Connection {
  Fd fd;
  Address address;
  // It has served a request before: the server may just be closing it.
  bool is_used = false;
  // Its receive buffer is a large one while it is in use.
  bool is_roomy = false;
  Clock::time_point since;
};

// Connections that wait for their next request. Thread-safe; one per engine.
class Connections {
 public:
  // One to this server that is still open and silent.
  std::optional<Connection> take(const Server &server);
  void keep(Connection connection);
  // Closes all.
  void clear();

 private:
  std::mutex mutex_;
  // The latest last.
  std::vector<Connection> idle_;
};

// Opens a new one: to the first of the server's addresses that answers.
Failure connect_to(Sys &sys, const Server &server, Patience &patience, std::chrono::milliseconds timeout,
                   Connection &connection);

// Sends all of `text`. The server must take it before `until`.
Failure send_all(const Connection &connection, std::string_view text, Patience &patience, Clock::time_point until);

// What is there to be read without waiting: one or more bytes (`data`), the end, nothing, or an error in errno.
enum class Arrived : uint8_t { data, end, nothing, error };
Arrived receive_some(const Connection &connection, void *buffer, size_t room, size_t &got);
// The same without taking it.
Arrived peek(const Connection &connection);

}  // namespace susten
