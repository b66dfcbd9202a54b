// Who is at the other end of a Unix socket, by the kernel's word.
#pragma once

#include <sys/types.h>

#include <vector>

#include "sys/error.h"

namespace susten {

// The process that connected, as it was then; at the connecting end: the one that listens, as it was when it began to.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary ones; empty before Linux 4.13
};

Error peer_of(int fd, Peer &peer);

}  // namespace susten
