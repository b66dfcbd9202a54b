// The directories below a target root that files go to: opened beneath it, made where missing, never through a link.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "commit/directory.h"
#include "commit/directory_set.h"
#include "commit/temp.h"
#include "copy/options.h"
#include "sys/error.h"

namespace susten {

class TargetDirectories {
 public:
  struct Opened {
    DirectoryRef directory;
    // Directories above that must be synced for this one to be found again; empty when known to be.
    std::vector<DirectoryRef> parents;
  };

  // `layout`: so many directories at the beginning of every target path have no counterpart in the source.
  TargetDirectories(Sys &sys, const TempMemo &temps, DirectorySet &anchored, const CopyOptions &options, size_t layout,
                    const std::atomic<bool> &cancelled)
      : sys_(sys), temps_(temps), anchored_(anchored), options_(options), layout_(layout), cancelled_(cancelled) {}

  // `source_path`: for messages.
  void set_roots(DirectoryRef target, Fd source, std::string source_path);
  void set_root(DirectoryRef target) { root_ = std::move(target); }
  // What is made behind the layout gets owner and mode of this one, whatever the source has.
  void set_model(const struct stat &model) { model_ = model; }
  // From here on a directory behind the layout is opened only if it is root's, the process's, this user's, or belongs
  // to whom the target root belongs to, who has it all in his hands anyhow; any other is EPERM. Each one on the way
  // counts.
  void set_owner(uid_t owner) { owner_ = owner; }
  // The directory `target` below the target root. Missing ones get owner and mode of the same one of `source`, a path
  // below the source root that ends alike. Thread-safe. Null and `failure` if it can't be.
  Opened open(const std::string &target, const std::string &source, Error &failure);
  // What was opened is durable with all above it.
  void anchor(const Opened &opened);
  [[nodiscard]] const DirectoryRef &root() const { return root_; }
  [[nodiscard]] int source_root() const { return source_.get(); }

 private:
  // What a new directory gets owner and mode from: one below the source root, `model`, or nothing.
  struct Origin {
    std::string source;
    const struct stat *model = nullptr;
  };

  Opened find(const std::string &target, const std::string &source, Error &failure);
  // One that is there, and known to be durable. Null: it must be found step by step, or not at all if there is
  // `failure`.
  DirectoryRef find_at_once(const std::string &target, Error &failure);
  [[nodiscard]] bool is_lasting(int fd, dev_t dev, ino_t ino);
  [[nodiscard]] bool is_trusted(const Directory &directory) const;
  DirectoryRef step(const DirectoryRef &parent, const std::string &path, const std::string &name, const Origin &origin,
                    bool is_last, Error &failure);
  DirectoryRef child(const DirectoryRef &parent, const std::string &name, const Origin &origin, Error &failure);
  bool make(const DirectoryRef &parent, const std::string &name, const Origin &origin, Error &failure);

  Sys &sys_;
  const TempMemo &temps_;
  DirectorySet &anchored_;
  const CopyOptions &options_;
  const size_t layout_;
  const std::atomic<bool> &cancelled_;
  DirectoryRef root_;
  Fd source_;
  std::string source_path_;
  std::optional<struct stat> model_;
  // Nothing: owners aren't looked at.
  std::optional<uid_t> owner_;
  std::mutex mutex_;
  std::unordered_map<std::string, Opened> opened_;
  // Directories above those, so that what lies side by side shares them.
  std::unordered_map<std::string, DirectoryRef> above_;
};

}  // namespace susten
