#include "notify/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace susten {
namespace {

Error failure(int number, const char *syscall, const std::string &address) {
  errno = number;
  return last_error(syscall, address);
}

}  // namespace

Error notify(const std::string &address, const std::string &message) {
  struct sockaddr_un to {};
  to.sun_family = AF_UNIX;
  const bool is_abstract = !address.empty() && address.front() == '@';
  if (!is_abstract && (address.empty() || address.front() != '/')) return failure(EAFNOSUPPORT, "sendto", address);
  // A path needs room for the NUL that ends it; an abstract name has its length only.
  if (address.size() + (is_abstract ? 0 : 1) > sizeof(to.sun_path)) return failure(ENAMETOOLONG, "sendto", address);
  std::copy(address.begin(), address.end(), to.sun_path);
  if (is_abstract) to.sun_path[0] = '\0';
  const auto size =
      static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + address.size() + (is_abstract ? 0 : 1));

  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return last_error("socket", address);
  const ssize_t sent =
      ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const struct sockaddr *>(&to), size);
  const int number = errno;
  ::close(fd);
  if (sent < 0) return failure(number, "sendto", address);
  return {};
}

}  // namespace susten
