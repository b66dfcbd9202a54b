// Reads a volume's fill state on the pool: a hung file system must not hang the caller.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "engine/engine.h"
#include "engine/job.h"
#include "volume/volume.h"

namespace susten {

class VolumeJob : public Job {
 public:
  VolumeJob(Engine &engine, std::string path) : Job(engine), path_(std::move(path)) {}
  void start() override {
    spawn([this](Context &context) {
      Volume volume;
      error_ = read_volume(context.sys, path_, volume);
      if (!error_.failed()) volume_ = std::move(volume);
    });
  }

 protected:
  void finish() override {
    engine_.finished(*this,
                     DoneEvent{.job = id(), .progress = {}, .volume = std::move(volume_), .error = std::move(error_)});
  }

 private:
  std::string path_;
  std::optional<Volume> volume_;
  Error error_;
};

}  // namespace susten
