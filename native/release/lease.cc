#include "release/lease.h"

#include <fcntl.h>

#include <cerrno>

#include "sys/retry.h"

namespace susten {

int take_lease(Sys &sys, int fd, const char *&syscall) {
  // Whoever breaks a lease has the kernel send SIGIO, which would end the process. It is sent to this thread instead,
  // in which all signals are blocked. An owner that was set before the lease is kept (lease_setup in fs/locks.c).
  syscall = "setowner";
  if (retry([&] { return sys.setowner(fd); }) != 0) return errno;
  syscall = "setlease";
  return retry([&] { return sys.setlease(fd, F_RDLCK); }) == 0 ? 0 : errno;
}

int check_lease(Sys &sys, int fd) {
  const int type = retry([&] { return sys.getlease(fd); });
  if (type < 0) return errno;
  return type == F_RDLCK ? 0 : EAGAIN;
}

}  // namespace susten
