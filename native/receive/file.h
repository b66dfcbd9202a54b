// Receives one file: request, answer, body to a temp file, metadata, sync, name. A transfer that breaks goes on where
// it broke, if the server says that it still is the same version.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "commit/file.h"
#include "copy/context.h"
#include "receive/connections.h"
#include "receive/request.h"

namespace susten {

// Where a file goes to.
struct ReceiveTarget {
  // Opens the directory, and makes it where it is missing; null and `failure` if it can't be. Called only once there is
  // something to write. `parents`: see Written::parents.
  std::function<DirectoryRef(std::vector<DirectoryRef> &parents, Error &failure)> open;
  std::string name;
  // Absolute, for messages.
  std::string path;
};

// What all files of a job are received with.
struct Receiving {
  Commit &commit;
  Connections &connections;
  const ReceiveOptions &options;
  // See Patience.
  int cancel_fd = -1;
};

// `done` is called exactly once: before this returns, or later by the group that makes the file durable, on any
// worker's thread. `context.cancelled` must outlive that.
void receive_file(Context &context, const Receiving &receiving, const ReceiveFile &file, ReceiveTarget target,
                  std::function<void(ReceiveResult)> done);

}  // namespace susten
