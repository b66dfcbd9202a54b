// What jobs tell the owner of an engine. Plain data; the addon turns it into the events of lib/native.ts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "commit/file.h"
#include "receive/request.h"
#include "release/request.h"
#include "sys/error.h"
#include "volume/volume.h"
#include "walk/walk.h"

namespace susten {

struct FileEvent {
  uint32_t job = 0;
  int32_t index = -1;
  std::string name;
  FileResult result;
};

// A file of a release, or behind them, a directory.
struct ReleaseEvent {
  uint32_t job = 0;
  int32_t index = -1;
  ReleaseResult result;
};

struct ReceiveEvent {
  uint32_t job = 0;
  int32_t index = -1;
  ReceiveResult result;
};

struct Progress {
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t failed = 0;
  int64_t directories = 0;
  int64_t symlinks = 0;
  int64_t skipped = 0;
};

struct ProgressEvent {
  uint32_t job = 0;
  Progress progress;
};

struct FilterEvent {
  uint32_t job = 0;
  uint32_t question = 0;
  std::vector<std::string> src;
  std::vector<std::string> dest;
};

struct EntriesEvent {
  uint32_t job = 0;
  std::vector<Entry> entries;
  std::vector<Error> unreadable;
};

struct DoneEvent {
  uint32_t job = 0;
  std::optional<Progress> progress;
  std::optional<Volume> volume;
  Error error;
};

// The engine has no job left and takes none: it can be stopped without waiting.
struct ClosedEvent {};

using Event = std::variant<FileEvent, ReleaseEvent, ReceiveEvent, ProgressEvent, FilterEvent, EntriesEvent, DoneEvent,
                           ClosedEvent>;

}  // namespace susten
