// Receives a list of files from one HTTP server to below a root.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "engine/job.h"
#include "jobs/target_directories.h"
#include "receive/request.h"

namespace susten {

struct ReceiveRequest {
  std::string dest_root;
  // Empty: not checked.
  std::string dest_identity;
  // Of each file's `dest`, so many directories at the beginning belong to whom the process runs as.
  size_t layout = 0;
  // See TargetDirectories::set_owner().
  std::optional<uid_t> directory_owner{};
  // At most so many files at once.
  size_t connections = 1;
  std::vector<ReceiveFile> files;
  ReceiveOptions options;
};

class ReceiveJob : public Job {
 public:
  ReceiveJob(Engine &engine, ReceiveRequest request);
  void start() override;
  void cancel() override;

 protected:
  void finish() override;

 private:
  void open_root(Context &context);
  void receive_next(Context &context);
  void receive(Context &context, size_t index);
  void done(size_t index, ReceiveResult result, const TargetDirectories::Opened &opened);

  ReceiveRequest request_;
  TargetDirectories directories_;
  // Readable when the job is cancelled: wakes those who wait for the server.
  Fd cancel_;
  std::atomic<size_t> next_{0};
  Error error_;
};

}  // namespace susten
