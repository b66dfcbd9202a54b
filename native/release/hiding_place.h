// A private directory, beside the files, that they are put away in under their own names until it is sure that they may
// go. Nobody else can reach into it, so what was looked at there is what is removed.
//
// Its name is that of a temp file, so walks and watches pass over it and a sweep removes it if it is empty. One with
// something in it outlives a crash: restore.h puts that back.
#pragma once

#include <sys/stat.h>

#include <string>

#include "commit/directory.h"
#include "commit/temp.h"
#include "sys/fd.h"

namespace susten {

class HidingPlace {
 public:
  HidingPlace() = default;
  HidingPlace(HidingPlace &&other) noexcept = default;
  HidingPlace &operator=(HidingPlace &&other) noexcept = default;
  HidingPlace(const HidingPlace &) = delete;
  HidingPlace &operator=(const HidingPlace &) = delete;
  // Leaves the directory; see remove().
  ~HidingPlace() = default;

  // Makes one in `parent`: 0, or errno of `syscall`.
  int make(Sys &sys, const TempMemo &temps, const DirectoryRef &parent, const char *&syscall);
  // Opens one that is there: 0, or errno (EBUSY: not one of ours) of `syscall`.
  int open(Sys &sys, const DirectoryRef &parent, const std::string &name, const char *&syscall);
  // Removes it, unless something is in it.
  void remove();

  explicit operator bool() const { return static_cast<bool>(fd_); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string &name() const { return name_; }

 private:
  Sys *sys_ = nullptr;
  DirectoryRef parent_;
  std::string name_;
  Fd fd_;
};

}  // namespace susten
