// What is asked of a job that receives files, and what becomes of each. Mirrors NativeReceiveJob in lib/native.ts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "commit/place.h"
#include "copy/options.h"
#include "receive/answer.h"
#include "receive/server.h"

namespace susten {

struct ReceiveFile {
  // As it stands in the request: a path with its query, escaped.
  std::string target;
  // Below the target root.
  std::string dest;
  Existing existing = Existing::version;
  std::optional<Expected> expected;
  // What the server is expected to send. Empty: whatever it sends.
  std::optional<int64_t> size;
  std::string digest;
  // Nothing: the answer's Last-Modified.
  std::optional<int64_t> mtime_ns;
};

struct ReceiveOptions {
  Server server;
  Timeouts timeouts;
  // Further fields of every request, each with its line's end.
  std::string fields;
  // Owner and mode are given here; the times come with each file.
  CopyOptions copy;
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;
  mode_t directory_mode = 0;
  bool digest = true;
  // How often a broken transfer goes on where it broke.
  int64_t resumes = 0;
};

enum class ReceiveOutcome : uint8_t {
  created,
  replaced,
  versioned,
  skipped,
  status,       // the server has answered with an error, 4xx or 5xx
  unsupported,  // with something else that isn't a plain body of known length
  failed,
};

struct ReceiveResult {
  ReceiveOutcome outcome = ReceiveOutcome::failed;
  // Of the last answer; 0 if there was none.
  int status = 0;
  std::vector<Field> fields;
  int64_t bytes = 0;
  std::string digest;
  // Of the file as its file system keeps it.
  std::optional<int64_t> mtime_ns;
  std::string version;
  // How often the transfer broke and went on.
  int64_t resumed = 0;
  Error error;
};

// Whether it may stand in a request line: begins with a slash, and has no blanks, control characters or bytes that
// aren't ASCII.
bool is_request_target(const std::string &text);
// Whether a job may send this field: a name and a value as they must be, and not one that decides on the connection,
// the form of the body, or a range.
bool is_free_field(const std::string &name, const std::string &value);

// The rest of a body that has come in part.
struct Rest {
  int64_t from = 0;
  std::string validator;
};
std::string request_text(const ReceiveOptions &options, const ReceiveFile &file, const std::optional<Rest> &rest);

}  // namespace susten
