// Numbers that nobody can guess.
#pragma once

#include <sys/random.h>

#include <cstdint>
#include <random>

namespace susten {

inline uint64_t random_number() {
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) == sizeof number) return number;
  std::random_device device;  // reads /dev/urandom where the call is forbidden
  return (uint64_t{device()} << 32U) | device();
}

}  // namespace susten
