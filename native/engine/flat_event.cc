#include "engine/flat_event.h"

#include <algorithm>

namespace susten {

namespace {

FlatEvent flat_file(const FileEvent &event) {
  const FileResult &result = event.result;
  const bool is_plain = event.index >= 0 && event.name.empty() && result.outcome != Outcome::failed &&
                        result.version.empty() && (result.digest.empty() || result.digest.size() == kDigestDigits);
  if (!is_plain) return {};
  FlatEvent flat;
  flat.kind = FlatKind::file;
  flat.outcome = static_cast<int32_t>(result.outcome);
  flat.job = event.job;
  flat.index = event.index;
  flat.bytes = static_cast<double>(result.bytes);
  flat.strategy = static_cast<int32_t>(result.strategy);
  if (result.fingerprint) {
    flat.flags |= FlatEvent::has_fingerprint;
    flat.size = static_cast<double>(result.fingerprint->size);
    flat.dev = result.fingerprint->dev;
    flat.ino = result.fingerprint->ino;
    flat.mtime_ns = result.fingerprint->mtime_ns;
    flat.ctime_ns = result.fingerprint->ctime_ns;
  }
  if (result.mtime_ns) {
    flat.flags |= FlatEvent::has_mtime;
    flat.copy_mtime_ns = *result.mtime_ns;
  }
  if (!result.digest.empty()) {
    flat.flags |= FlatEvent::has_digest;
    std::copy_n(result.digest.begin(), kDigestDigits, flat.digest.begin());
  }
  return flat;
}

FlatEvent flat_release(const ReleaseEvent &event) {
  if (event.result.error.failed()) return {};
  FlatEvent flat;
  flat.kind = FlatKind::release;
  flat.outcome = static_cast<int32_t>(event.result.outcome);
  flat.job = event.job;
  flat.index = event.index;
  flat.bytes = static_cast<double>(event.result.bytes);
  return flat;
}

}  // namespace

FlatEvent flat_event(const Event &event) {
  if (const auto *file = std::get_if<FileEvent>(&event)) return flat_file(*file);
  if (const auto *release = std::get_if<ReleaseEvent>(&event)) return flat_release(*release);
  const auto *done = std::get_if<DoneEvent>(&event);
  if (done == nullptr || done->progress || done->volume || done->error.failed()) return {};
  FlatEvent flat;
  flat.kind = FlatKind::done;
  flat.job = done->job;
  return flat;
}

}  // namespace susten
