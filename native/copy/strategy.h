// Which mechanism carries bytes from one device to another. Learned once per pair of devices.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "copy/options.h"

namespace susten {

// A worker's own note of the last answer, so that workers needn't wait for each other at every file.
struct LastStrategy {
  uint64_t lesson = 0;
  dev_t source = 0;
  dev_t target = 0;
  Strategy strategy = Strategy::automatic;
};

class StrategyMemo {
 public:
  // The fastest strategy not known to fail between these devices. Thread-safe, with a `last` per thread that is used
  // with this memo only.
  Strategy choose(dev_t source, dev_t target, LastStrategy &last);
  // `failed` can't serve this pair: the next choice is the one after it.
  void exclude(dev_t source, dev_t target, Strategy failed);

 private:
  // Counts what was learned; a note older than the last lesson isn't used.
  std::atomic<uint64_t> lessons_{1};
  std::mutex mutex_;
  std::map<std::pair<dev_t, dev_t>, Strategy> first_;
};

// The next mechanism to try after `failed`; readwrite is the last and always works.
Strategy next_strategy(Strategy failed);

// True for errors that say "not this way" rather than "this file can't be copied".
bool is_unsupported(int error);

const char *strategy_name(Strategy strategy);

}  // namespace susten
