#include "receive/server.h"

#include <netdb.h>

#include <cstring>

namespace susten {

bool Address::operator==(const Address &other) const {
  return size == other.size && std::memcmp(&storage, &other.storage, size) == 0;
}

std::optional<Address> address_of(const std::string &text, uint16_t port) {
  struct addrinfo hints {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  struct addrinfo *found = nullptr;
  // Nothing is looked up: only texts of addresses are taken.
  if (::getaddrinfo(text.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return std::nullopt;
  Address address;
  address.size = found->ai_addrlen;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

std::string authority_of(const std::string &host, uint16_t port) {
  std::string authority = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != 80) authority.append(1, ':').append(std::to_string(port));
  return authority;
}

}  // namespace susten
