// Lists regular files below a root in batches, no faster than the owner takes them.
#pragma once

#include <mutex>
#include <string>

#include "engine/job.h"
#include "walk/walk.h"

namespace susten {

class WalkJob : public Job {
 public:
  WalkJob(Engine &engine, std::string root, std::string below);
  void start() override;
  void cancel() override;
  void acknowledge() override;

 protected:
  void finish() override;

 private:
  void step(Context &context);
  void go_on();

  Walk walk_;
  std::string root_;
  Error error_;
  std::mutex mutex_;
  int outstanding_ = 0;
  // Waits for an acknowledgement, and holds the job meanwhile.
  bool parked_ = false;
};

}  // namespace susten
