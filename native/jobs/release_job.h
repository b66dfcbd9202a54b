// Gives back the space of files that are safe on the next tier, and removes directories that this left empty.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "engine/job.h"
#include "release/bundle.h"

namespace susten {

struct ReleaseRequest {
  std::string root;
  std::string next_root;
  // Empty: not checked.
  std::string root_identity;
  std::string next_identity;
  std::vector<ReleaseFile> files;
  // To be removed when the files are done, if they are empty. Below the root.
  std::vector<std::string> directories;
  // To be put in order first, after a crash: see restore_left(). Below the root; the empty name is the root.
  std::vector<std::string> restore;
  // Changes of directories are synced before they are told.
  bool sync = false;
};

class ReleaseJob : public Job {
 public:
  ReleaseJob(Engine &engine, ReleaseRequest request);
  void start() override;

 protected:
  void finish() override;

 private:
  void open_roots(Context &context);
  void restore(Context &context);
  void release_bundle(Context &context, std::span<const ReleaseFile> files);
  void remove_directories(Context &context);
  // Results from `first` on, those of a bundle at once: the owner is woken once for them.
  void tell(size_t first, std::vector<ReleaseResult> results);
  void count(size_t index, const ReleaseResult &result);

  ReleaseRequest request_;
  ReleaseTiers tiers_;
  Fd next_;
  std::atomic<size_t> bundles_left_{0};
  Error error_;
};

}  // namespace susten
