#include "notify/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace susten {
namespace {

Error failure(int number, const char *syscall, const std::string &address) {
  errno = number;
  return last_error(syscall, address);
}

ssize_t send(int from, const std::string &message, int fd, struct sockaddr_un *to, socklen_t size) {
  struct iovec text = {.iov_base = const_cast<char *>(message.data()), .iov_len = message.size()};
  alignas(struct cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  struct msghdr datagram {};
  datagram.msg_name = to;
  datagram.msg_namelen = size;
  datagram.msg_iov = &text;
  datagram.msg_iovlen = 1;
  if (fd >= 0) {
    datagram.msg_control = room.data();
    datagram.msg_controllen = room.size();
    struct cmsghdr *header = CMSG_FIRSTHDR(&datagram);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  }
  return ::sendmsg(from, &datagram, MSG_NOSIGNAL);
}

}  // namespace

Error notify(const std::string &address, const std::string &message, int fd) {
  struct sockaddr_un to {};
  to.sun_family = AF_UNIX;
  const bool is_abstract = !address.empty() && address.front() == '@';
  if (!is_abstract && (address.empty() || address.front() != '/')) return failure(EAFNOSUPPORT, "sendmsg", address);
  // A path needs room for the NUL that ends it; an abstract name has its length only.
  if (address.size() + (is_abstract ? 0 : 1) > sizeof(to.sun_path)) return failure(ENAMETOOLONG, "sendmsg", address);
  std::copy(address.begin(), address.end(), to.sun_path);
  if (is_abstract) to.sun_path[0] = '\0';
  const auto size =
      static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + address.size() + (is_abstract ? 0 : 1));

  const int own = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (own < 0) return last_error("socket", address);
  const ssize_t sent = send(own, message, fd, &to, size);
  const int number = errno;
  ::close(own);
  if (sent < 0) return failure(number, "sendmsg", address);
  return {};
}

}  // namespace susten
