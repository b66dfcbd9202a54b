// Datagrams to a Unix socket, which Node can't send: how a service tells its supervisor (systemd) how it is.
#pragma once

#include <string>

#include "sys/error.h"

namespace susten {

// Sends one datagram. Never waits, and never raises SIGPIPE. Code EAGAIN: who listens hasn't read the former ones yet.
// `address`: an absolute path, or `@name` for an abstract one, as in NOTIFY_SOCKET.
// `fd`: sent along, as a copy for who listens; -1: none.
Error notify(const std::string &address, const std::string &message, int fd = -1);

}  // namespace susten
