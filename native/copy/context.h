// What a copy needs beside its files: the worker's own buffer and digest, the job's cancel flag and byte counter.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "digest/digest.h"
#include "sys/sys.h"

namespace susten {

// Stays in L2 beside the digest's state: larger buffers measured slower on tmpfs (docs/BENCHMARKS.md).
inline constexpr size_t kBufferSize = size_t{64} * 1024;

// A worker thread's own things, made once and used for every file.
struct Scratch {
  std::unique_ptr<unsigned char[]> buffer{new unsigned char[kBufferSize]};
  std::unique_ptr<unsigned char[]> second{new unsigned char[kBufferSize]};
  Digest digest;
};

struct Context {
  Sys &sys;
  Scratch &scratch;
  const std::atomic<bool> &cancelled;
  // Content bytes carried so far, for progress.
  std::atomic<int64_t> &bytes;
  // Called now and then while a long file is carried; may be empty. May use the buffers, not the digest.
  std::function<void()> between;
};

}  // namespace susten
