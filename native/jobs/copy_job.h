// Copies a list of files by name from below one root to below another.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/job.h"
#include "jobs/target_directories.h"

namespace susten {

struct CopyRequest {
  struct File {
    std::string src;
    std::string dest;
    Existing existing = Existing::replace;
    std::optional<Expected> expected;
    std::optional<Fingerprint> known;
    std::string known_digest;
    std::optional<int64_t> size;
  };
  std::string src_root;
  std::string dest_root;
  // Empty: not checked.
  std::string src_identity;
  std::string dest_identity;
  // Of each file's `dest`, so many directories at the beginning have no counterpart in the source.
  size_t layout = 0;
  // See TargetDirectories::set_owner().
  std::optional<uid_t> directory_owner{};
  std::vector<File> files;
  CopyOptions options;
};

class CopyJob : public Job {
 public:
  CopyJob(Engine &engine, CopyRequest request);
  void start() override;

 protected:
  void finish() override;

 private:
  void open_roots(Context &context);
  void copy(Context &context, size_t index);
  void done(size_t index, FileResult result, const TargetDirectories::Opened *opened);

  CopyRequest request_;
  TargetDirectories directories_;
  Error error_;
};

}  // namespace susten
