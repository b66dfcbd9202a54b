// A file descriptor that closes itself through the table of system calls.
#pragma once

#include <utility>

#include "sys/sys.h"

namespace susten {

class Fd {
 public:
  Fd() = default;
  Fd(Sys &sys, int fd) : sys_(&sys), fd_(fd) {}
  Fd(Fd &&other) noexcept : sys_(other.sys_), fd_(std::exchange(other.fd_, -1)) {}
  Fd &operator=(Fd &&other) noexcept {
    if (this != &other) {
      reset();
      sys_ = other.sys_;
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd &) = delete;
  Fd &operator=(const Fd &) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) sys_->close(std::exchange(fd_, -1));
  }

 private:
  Sys *sys_ = nullptr;
  int fd_ = -1;
};

}  // namespace susten
