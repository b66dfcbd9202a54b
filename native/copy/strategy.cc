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

Strategy StrategyMemo::choose(dev_t source, dev_t target) {
  const std::lock_guard lock(mutex_);
  const auto found = first_.find({source, target});
  if (found != first_.end()) return found->second;
  // Between two devices a reflink and (since Linux 5.19) a generic copy_file_range are always EXDEV, except within
  // one btrfs (subvolumes have device numbers of their own) and for server-side copies of network file systems.
  // Trying costs two calls, once; the answer is remembered.
  first_[{source, target}] = Strategy::reflink;
  return Strategy::reflink;
}

void StrategyMemo::exclude(dev_t source, dev_t target, Strategy failed) {
  const std::lock_guard lock(mutex_);
  Strategy &first = first_[{source, target}];
  if (first <= failed) first = next_strategy(failed);
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
