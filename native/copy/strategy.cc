#include "copy/strategy.h"

#include <cerrno>

namespace susten {

Strategy next_strategy(Strategy failed) {
  switch (failed) {
    case Strategy::automatic:
      return Strategy::reflink;
    case Strategy::reflink:
      return Strategy::copy_file_range;
    case Strategy::copy_file_range:
      return Strategy::sendfile;
    case Strategy::sendfile:
    case Strategy::readwrite:
      break;
  }
  return Strategy::readwrite;
}

Strategy StrategyMemo::choose(dev_t source, dev_t target, LastStrategy &last) {
  if (last.source == source && last.target == target && last.lesson == lessons_.load(std::memory_order_acquire)) {
    return last.strategy;
  }
  const std::lock_guard lock(mutex_);
  // Between two devices a reflink and (since Linux 5.19) a generic copy_file_range are always EXDEV, except within
  // one btrfs (subvolumes have device numbers of their own) and for server-side copies of network file systems.
  // Trying costs two calls, once; the answer is remembered.
  const Strategy first = first_.try_emplace({source, target}, Strategy::reflink).first->second;
  last = {.lesson = lessons_.load(std::memory_order_relaxed), .source = source, .target = target, .strategy = first};
  return first;
}

void StrategyMemo::exclude(dev_t source, dev_t target, Strategy failed) {
  const std::lock_guard lock(mutex_);
  Strategy &first = first_[{source, target}];
  if (first > failed) return;
  first = next_strategy(failed);
  lessons_.fetch_add(1, std::memory_order_release);
}

bool is_unsupported(int error) {
  switch (error) {
    case ENOSYS:
    case EOPNOTSUPP:
    case EINVAL:
    case EBADF:
    case EXDEV:
    case ETXTBSY:
    case EPERM:
    case EACCES:
    case ENOTTY:
      return true;
    default:
      return false;
  }
}

const char *strategy_name(Strategy strategy) {
  switch (strategy) {
    case Strategy::automatic:
      return "auto";
    case Strategy::reflink:
      return "reflink";
    case Strategy::copy_file_range:
      return "copy_file_range";
    case Strategy::sendfile:
      return "sendfile";
    case Strategy::readwrite:
      break;
  }
  return "readwrite";
}

}  // namespace susten
