// The most frequent events as plain numbers, so that thousands of them cross the border without an object each. Mirrors
// lib/packed.ts.
#pragma once

#include <array>
#include <cstdint>

#include "engine/events.h"

namespace susten {

enum class FlatKind : int32_t { other, file, release, done };

// Of a digest in hex.
constexpr size_t kDigestDigits = 32;

struct FlatEvent {
  enum Flag : int32_t { has_fingerprint = 1, has_mtime = 2, has_digest = 4 };

  FlatKind kind = FlatKind::other;
  int32_t outcome = 0;
  uint32_t job = 0;
  int32_t index = 0;
  double bytes = 0;
  double size = 0;
  uint64_t dev = 0;
  uint64_t ino = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  // Of the copy.
  int64_t copy_mtime_ns = 0;
  int32_t strategy = 0;
  int32_t flags = 0;
  std::array<char, kDigestDigits> digest{};
};

constexpr size_t kFlatEventBytes = 112;
static_assert(sizeof(FlatEvent) == kFlatEventBytes);

// What of an event can be said so: all of it, or its kind is `other`.
FlatEvent flat_event(const Event &event);

}  // namespace susten
