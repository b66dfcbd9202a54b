// The file that a copy is written to before it gets its name.
//
// Where the file system can, it has no name at all (O_TMPFILE) until it is whole and durable, so that a crash leaves
// nothing behind; elsewhere it is `.susten-<id>.tmp`, mode 0600, in the target directory. An engine with a tag removes
// what a dead process with the same tag left in a directory before it makes its own first hidden name there.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "commit/directory.h"
#include "commit/directory_set.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace susten {

// Which devices can hold unnamed files and link them, and what hidden names look like. Thread-safe; one per engine.
class TempMemo {
 public:
  // `tag`: letters and digits that no other running process uses for its names; empty: leftovers are nobody's.
  explicit TempMemo(std::string tag = {}) : tag_(std::move(tag)) {}

  enum class Unnamed : uint8_t { unknown, works, fails };
  Unnamed get(dev_t dev);
  void set(dev_t dev, Unnamed answer);
  // A new hidden name that no other temp file of this machine is likely to have.
  [[nodiscard]] std::string name() const;
  // Without one, nobody's leftovers are known.
  [[nodiscard]] bool has_tag() const { return !tag_.empty(); }
  // Whether `name` is one that a dead process with this tag made.
  [[nodiscard]] bool is_leftover(const std::string &name) const;
  // Removes what a dead process with this tag left in `directory`; once per directory.
  void sweep(Sys &sys, const Directory &directory);

 private:
  std::string tag_;
  DirectorySet swept_;
  std::mutex mutex_;
  std::map<dev_t, Unnamed> answers_;
};

class Temp {
 public:
  Temp() = default;
  Temp(Temp &&other) noexcept;
  Temp &operator=(Temp &&other) noexcept;
  Temp(const Temp &) = delete;
  Temp &operator=(const Temp &) = delete;
  // Removes the file, unless it was kept.
  ~Temp();

  // Makes an empty temp file in `directory`. `mode` is what the file will have in the end: an unnamed file may have it
  // from the start, since nobody can open it. False: `failure` says why.
  static bool create(Sys &sys, TempMemo &memo, const DirectoryRef &directory, mode_t mode, Temp &temp, Error &failure);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool named() const { return !name_.empty(); }
  [[nodiscard]] const std::string &name() const { return name_; }
  // Links an unnamed file as `name`; 0 or errno (EEXIST when the name is taken).
  int link_as(const std::string &name);
  // Gives an unnamed file its hidden name, so that it can be renamed over something; 0 or errno.
  int give_name();
  // The hidden name is gone (renamed or exchanged away): there is nothing to remove.
  void keep() { name_.clear(); }
  // Removes what is under the hidden name now; 0 or errno.
  int remove();

 private:
  Sys *sys_ = nullptr;
  TempMemo *memo_ = nullptr;
  DirectoryRef directory_;
  Fd fd_;
  std::string name_;
};

}  // namespace susten
