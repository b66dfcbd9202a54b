// Which mechanism carries bytes from one device to another. Learned once per pair of devices.
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <utility>

#include "copy/options.h"

namespace susten {

class StrategyMemo {
 public:
  // The fastest strategy not known to fail between these devices. Thread-safe.
  Strategy choose(dev_t source, dev_t target);
  // `failed` can't serve this pair: the next choice is the one after it.
  void exclude(dev_t source, dev_t target, Strategy failed);

 private:
  std::mutex mutex_;
  std::map<std::pair<dev_t, dev_t>, Strategy> first_;
};

// The next mechanism to try after `failed`; readwrite is the last and always works.
Strategy next_strategy(Strategy failed);

// True for errors that say "not this way" rather than "this file can't be copied".
bool is_unsupported(int error);

const char *strategy_name(Strategy strategy);

}  // namespace susten
