// Copies a directory tree, or a single file or link, through directory descriptors.
//
// Depth before breadth, so that memory grows with the depth of the tree only. Every directory is read in pieces; the
// files of a piece are spread over the workers. A directory that the copy made gets its metadata when all below it is
// done.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/job.h"
#include "sys/entries.h"
#include "tree/node.h"

namespace susten {

struct TreeRequest {
  // Absolute and normalized. The parent of `dest` exists.
  std::string src;
  std::string dest;
  CopyOptions options;
  Existing existing = Existing::replace;
  bool dereference = false;
  bool verbatim_symlinks = false;
  bool stop_on_error = true;
  bool filter = false;
  bool report_files = false;
};

class TreeJob : public Job {
 public:
  TreeJob(Engine &engine, TreeRequest request);
  void start() override;
  void cancel() override;
  void answer(uint32_t number, const std::vector<bool> &accept) override;

 protected:
  void finish() override;

 private:
  using Entries = std::vector<TreeEntry>;

  // Some of a directory's entries, copied by one task. Their files are counted here: two workers that counted each file
  // in the directory and in the job would take the counters from each other all the time.
  struct Lot {
    // Set with the first file: a lot that is only queued mustn't keep the job alive that keeps it.
    std::shared_ptr<TreeJob> job;
    NodeRef node;
    Entries entries;
    // The task, and files that wait for their group.
    std::atomic<size_t> open{1};
  };
  using LotRef = std::shared_ptr<Lot>;

  void begin(Context &context);
  void enter(Context &context, const NodeRef &parent, const std::string &name, int source_dir, bool follow);
  bool make_target(const NodeRef &node, const DirectoryRef &parent, const std::string &name);
  void scan(const NodeRef &node);
  void ask(const NodeRef &node, Entries entries, bool more);
  void process(const NodeRef &node, Entries entries, bool more);
  void copy_files(Context &context, const LotRef &lot);
  void copy_file(Context &context, const LotRef &lot, size_t index);
  void copy_link(const NodeRef &node, const TreeEntry &entry);
  LotRef new_lot(const NodeRef &node);
  void close_lot(Lot &lot);
  void close(NodeRef node);
  void finish_directory(Node &node);
  void sync_tree();
  [[nodiscard]] bool syncs(const Directory &directory) const;

  void file_done(const Lot &lot, size_t index, FileResult &&result);
  void fail(const std::string &name, Error error);
  void fail(const std::string &name, int number, const char *syscall, const char *code = "", bool at_target = false);
  [[nodiscard]] bool stopped() const { return cancelled() || stopping_.load(std::memory_order_relaxed); }
  // Below the tree's root; empty for a tree of one file.
  static std::string name_of(const Lot &lot, size_t index);
  [[nodiscard]] std::string source_path(const std::string &name) const;
  [[nodiscard]] std::string target_path(const std::string &name) const;

  struct Question {
    NodeRef node;
    Entries entries;
    bool more;
  };

  TreeRequest request_;
  Error error_;
  std::atomic<bool> stopping_{false};
  // Directories were made or links put that wait for the syncfs at the end.
  std::atomic<bool> unsynced_{false};
  std::atomic<int64_t> file_bytes_{0};
  // The directories that hold `src` and `dest`.
  Fd source_parent_;
  DirectoryRef target_parent_;
  std::string source_name_;
  std::string target_name_;
  // The destination directory as made or found; for a single file the one that it goes to.
  DirectoryRef target_root_;
  std::mutex mutex_;
  uint32_t last_question_ = 0;
  std::map<uint32_t, Question> questions_;
};

}  // namespace susten
