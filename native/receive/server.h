// Where files come from: an HTTP server by its numeric addresses.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace susten {

struct Address {
  struct sockaddr_storage storage {};
  socklen_t size = 0;

  bool operator==(const Address &other) const;
};

// The address that `text` says: IPv4 or IPv6, the latter without brackets.
std::optional<Address> address_of(const std::string &text, uint16_t port);

struct Server {
  // As in the field `Host`: name or address, and the port unless it is 80.
  std::string authority;
  // Tried in this order.
  std::vector<Address> addresses;
};

// The text that names a server in requests and messages.
std::string authority_of(const std::string &host, uint16_t port);

struct Timeouts {
  // To connect, for each address.
  std::chrono::milliseconds connect{0};
  // From the request to the end of the answer's header.
  std::chrono::milliseconds header{0};
  // For any `least_bytes` of the body.
  std::chrono::milliseconds stall{0};
  int64_t least_bytes = 1;
};

}  // namespace susten
