// What a copy needs beside its files: the worker's own buffer and digest, the job's cancel flag and byte counter.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>

#include "copy/strategy.h"
#include "digest/digest.h"
#include "sys/sys.h"

namespace susten {

// Stays in L2 beside the digest's state: larger buffers measured slower on tmpfs (docs/BENCHMARKS.md).
inline constexpr size_t kBufferSize = size_t{64} * 1024;

// On a page's boundary: the kernel copies from and to its pages faster then.
struct AlignedDelete {
  void operator()(unsigned char *buffer) const { ::operator delete[](buffer, std::align_val_t{4096}); }
};
using Buffer = std::unique_ptr<unsigned char[], AlignedDelete>;
inline Buffer new_buffer(size_t size = kBufferSize) { return Buffer(new (std::align_val_t{4096}) unsigned char[size]); }

// A worker thread's own things, made once and used for every file.
struct Scratch {
  Buffer buffer = new_buffer();
  Buffer second = new_buffer();
  // For what comes over a network; made by whoever needs it first, see receive/body.cc.
  Buffer large;
  Digest digest;
  LastStrategy last_strategy;
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
