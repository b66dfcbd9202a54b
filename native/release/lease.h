// Notices writers. A read lease (fcntl(2), F_SETLEASE) is granted only while nobody has the file open for writing; from
// then on whoever opens it for writing, or truncates it, waits until the lease is given up, and the lease tells.
// Readers are not concerned. It ends with its descriptor.
#pragma once

#include "sys/sys.h"

namespace susten {

// Takes a lease on a file that is open for reading only: 0, or errno of `syscall`; EAGAIN: somebody has it open for
// writing. Allowed to its owner and with CAP_LEASE.
int take_lease(Sys &sys, int fd, const char *&syscall);

// 0: nobody has tried to write since it was taken; EAGAIN: somebody waits to; else errno of `getlease`.
int check_lease(Sys &sys, int fd);

}  // namespace susten
