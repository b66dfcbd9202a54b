#include "peer/peer.h"

#include <sys/socket.h>

#include <cerrno>

// Newer than some C libraries that this is built with.
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

namespace susten {
namespace {

Error groups_of(int fd, std::vector<gid_t> &groups) {
  // The kernel says how many there are; a socket's peer never changes, so that the second question is the last.
  groups.resize(32);
  for (int tries = 0; tries < 2; ++tries) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    const int number = errno;
    groups.resize(size / sizeof(gid_t));
    if (result == 0) return {};
    if (number == ERANGE) continue;
    groups.clear();
    if (number == ENOPROTOOPT || number == ENODATA) return {};  // too old a kernel; a peer without groups
    errno = number;
    return last_error("getsockopt");
  }
  groups.clear();
  errno = ERANGE;
  return last_error("getsockopt");
}

}  // namespace

Error peer_of(int fd, Peer &peer) {
  struct ucred credentials {};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return last_error("getsockopt");
  // Any socket answers; only that of a connection knows a process. Others get nobody's user, which is no answer.
  if (credentials.uid == static_cast<uid_t>(-1)) {
    errno = ENOTCONN;
    return last_error("getsockopt");
  }
  peer.pid = credentials.pid;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  return groups_of(fd, peer.groups);
}

}  // namespace susten
