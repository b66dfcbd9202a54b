// Carries a file's bytes from one descriptor to another: whole, or an error.
#pragma once

#include <sys/stat.h>

#include <string>

#include "copy/context.h"
#include "copy/options.h"
#include "copy/strategy.h"

namespace susten {

struct ContentResult {
  // 0 when all bytes were carried; else errno, or 0 with a code (ERR_SUSTEN_SHORT, ABORT_ERR).
  int number = 0;
  const char *code = "";
  const char *syscall = "copy";
  // True if the failing side is the target's (write, ENOSPC): names the file in the error.
  bool at_target = false;
  Strategy strategy = Strategy::readwrite;
  // Of the bytes as they went by; only when asked.
  std::string digest;

  [[nodiscard]] bool ok() const { return number == 0 && *code == '\0'; }
};

struct ContentPlan {
  Strategy strategy = Strategy::automatic;
  bool digest = false;
  // Start write-back while copying, so that the sync at the end has less to wait for.
  bool write_behind = false;
};

// `in` and `out` stand at offset 0; `st` is the source's as opened; `out_dev` the target's device. Holes stay holes.
// Looks at the cancel flag at least every 4 MiB.
ContentResult copy_content(Context &context, StrategyMemo &memo, int in, int out, const struct stat &st, dev_t out_dev,
                           const ContentPlan &plan);

}  // namespace susten
