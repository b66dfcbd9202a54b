#include "tree/tree_job.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>

#include "commit/metadata.h"
#include "commit/new_directory.h"
#include "engine/engine.h"
#include "sys/retry.h"
#include "tree/symlink.h"

namespace susten {

namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
// Files of one task: more than one, so that handing out costs little.
constexpr size_t kFilesPerTask = 4;
// Of so few files each is a task of its own: they may be large, and workers are to end together.
constexpr size_t kFewFiles = 256;

struct Split {
  std::string directory;
  std::string name;
};

Split split_path(const std::string &path) {
  const size_t slash = path.rfind('/');
  return {path.substr(0, std::max<size_t>(slash, 1)), path.substr(slash + 1)};
}

const char *special_code(Kind kind) {
  switch (kind) {
    case Kind::fifo:
      return "ERR_FS_CP_FIFO_PIPE";
    case Kind::socket:
      return "ERR_FS_CP_SOCKET";
    default:
      return "ERR_FS_CP_UNKNOWN";
  }
}

}  // namespace

TreeJob::TreeJob(Engine &engine, TreeRequest request) : Job(engine), request_(std::move(request)) {}

void TreeJob::start() {
  spawn([this](Context &context) { begin(context); });
}

void TreeJob::cancel() {
  Job::cancel();
  // Nobody will answer any more: let go of what waits.
  std::map<uint32_t, Question> questions;
  {
    const std::lock_guard lock(mutex_);
    questions.swap(questions_);
  }
  for (auto &[number, question] : questions) {
    spawn([this, node = std::move(question.node)](Context &) {
      close(node);
      release();
    });
  }
}

// Opens both ends. The parents of the two roots are the caller's own words and may go through links.
void TreeJob::begin(Context &context) {
  Sys &sys = context.sys;
  const auto open_parent = [&](const std::string &path, int flags) {
    return Fd(sys, retry([&] { return sys.open(path.c_str(), flags, 0); }));
  };
  auto [source_dir, source_name] = split_path(request_.src);
  auto [target_dir, target_name] = split_path(request_.dest);
  source_name_ = source_name.empty() ? "." : std::move(source_name);
  target_name_ = std::move(target_name);
  // Only the way to the source: it needn't be readable.
  source_parent_ = open_parent(source_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!source_parent_) {
    error_ = {.number = errno, .code = {}, .syscall = "open", .path = request_.src, .dest = request_.dest};
    return;
  }
  Fd parent = open_parent(target_dir, kDirectoryFlags);
  // Nor need the way to the destination be, as long as nothing is made in it.
  if (!parent && errno == EACCES) parent = open_parent(target_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!parent) {
    error_ = {.number = errno, .code = {}, .syscall = "open", .path = target_dir, .dest = {}};
    return;
  }
  target_parent_ = adopt_directory(sys, std::move(parent), target_dir, error_);
  if (!target_parent_) return;
  struct stat st {};
  const int follow = request_.dereference ? 0 : AT_SYMLINK_NOFOLLOW;
  if (retry([&] { return sys.fstatat(source_parent_.get(), source_name_.c_str(), &st, follow); }) != 0) {
    error_ = {.number = errno, .code = {}, .syscall = "fstatat", .path = request_.src, .dest = request_.dest};
    return;
  }
  const Kind kind = kind_of(st.st_mode);
  if (kind == Kind::directory) {
    enter(context, nullptr, source_name_, source_parent_.get(), request_.dereference);
    return;
  }
  const auto node = std::make_shared<Node>();
  node->target = target_parent_;
  target_root_ = target_parent_;
  TreeEntry entry{.name = source_name_, .kind = kind, .follow = request_.dereference, .error = 0};
  if (kind == Kind::file) {
    const LotRef lot = new_lot(node);
    lot->entries.push_back(std::move(entry));
    copy_file(context, lot, 0);
    close_lot(*lot);
  } else if (kind == Kind::symlink) {
    copy_link(node, entry);
  } else {
    fail("", EINVAL, "fstatat", special_code(kind));
  }
  close(node);
}

// Opens a directory of the source, makes or opens its counterpart, and starts reading it.
void TreeJob::enter(Context &context, const NodeRef &parent, const std::string &name, int source_dir, bool follow) {
  Sys &sys = context.sys;
  auto node = std::make_shared<Node>();
  node->parent = parent;
  if (parent) node->name = join_path(parent->name, name);
  const int flags = kDirectoryFlags | (follow ? 0 : O_NOFOLLOW);
  node->source = Fd(sys, retry([&] { return sys.openat(source_dir, name.c_str(), flags, 0); }));
  const auto give_up = [&] {
    if (parent) close(parent);
  };
  if (!node->source || retry([&] { return sys.fstat(node->source.get(), &node->st); }) != 0) {
    fail(node->name, errno, node->source ? "fstat" : "openat");
    return give_up();
  }
  const std::pair<dev_t, ino_t> self{node->st.st_dev, node->st.st_ino};
  // The destination as made or found: it isn't copied into itself through some other way.
  if (parent && self == std::pair<dev_t, ino_t>{target_root_->dev, target_root_->ino}) {
    fail(node->name, EINVAL, "openat", "ERR_FS_CP_EINVAL");
    return give_up();
  }
  if (follow) {
    for (const Node *above = parent.get(); above != nullptr; above = above->parent.get()) {
      if (std::pair<dev_t, ino_t>{above->st.st_dev, above->st.st_ino} != self) continue;
      fail(node->name, ELOOP, "openat");
      return give_up();
    }
  }
  if (!make_target(node, parent ? parent->target : target_parent_, parent ? name : target_name_)) return give_up();
  if (!parent) target_root_ = node->target;
  if (parent && node->made) parent->changed.store(true);
  count_.directories.fetch_add(1);
  spawn([this, node](Context &) { scan(node); }, true);
}

bool TreeJob::make_target(const NodeRef &node, const DirectoryRef &parent, const std::string &name) {
  Sys &sys = engine_.sys();
  // An empty name: the destination is the root directory itself.
  const std::string target = name.empty() ? "." : name;
  const auto open_it = [&] {
    return retry([&] { return sys.openat(parent->fd.get(), target.c_str(), kDirectoryFlags | O_NOFOLLOW, 0); });
  };
  struct stat st {};
  Fd fd(sys, open_it());
  if (!fd && errno == ENOENT) {
    NewDirectory made =
        make_directory(sys, engine_.commit().temps, *parent, target, owner_of(node->st, request_.options));
    node->made = made.number == 0;
    if (!node->made && made.number != EEXIST) {
      fail(node->name, made.number, made.syscall, "", true);
      return false;
    }
    st = made.st;
    fd = node->made ? std::move(made.fd) : Fd(sys, open_it());
  }
  if (!fd || (!node->made && retry([&] { return sys.fstat(fd.get(), &st); }) != 0)) {
    const int number = errno;
    const bool other = number == ENOTDIR || number == ELOOP;
    fail(node->name, other ? EISDIR : number, fd ? "fstat" : "openat", other ? "ERR_FS_CP_DIR_TO_NON_DIR" : "", true);
    return false;
  }
  Error error;
  node->target = adopt_directory(sys, std::move(fd), target_path(node->name), st, *target_parent_, error);
  // A new one is given away only when all below it is done.
  if (node->target && node->made) node->target->uid = owner_of(node->st, request_.options);
  if (node->target) return true;
  // So that the next attempt meets no directory with the wrong owner.
  if (node->made) retry([&] { return sys.unlinkat(parent->fd.get(), target.c_str(), AT_REMOVEDIR); });
  fail(node->name, std::move(error));
  return false;
}

void TreeJob::scan(const NodeRef &node) {
  if (stopped()) return close(node);
  Entries entries;
  const int more = read_entries(engine_.sys(), node->source.get(), request_.dereference, entries);
  if (more < 0) {
    fail(node->name, errno, "getdents64");
    return close(node);
  }
  if (request_.filter && !entries.empty()) return ask(node, std::move(entries), more > 0);
  process(node, std::move(entries), more > 0);
}

void TreeJob::ask(const NodeRef &node, Entries entries, bool more) {
  FilterEvent event;
  event.job = id();
  for (const TreeEntry &entry : entries) {
    const std::string name = join_path(node->name, entry.name);
    event.src.push_back(source_path(name));
    event.dest.push_back(target_path(name));
  }
  hold();
  {
    const std::lock_guard lock(mutex_);
    do {
      ++last_question_;
    } while (questions_.contains(last_question_));
    event.question = last_question_;
    questions_.emplace(event.question, Question{node, std::move(entries), more});
  }
  engine_.sink().push(std::move(event));
  // A cancel that came just before would have found nothing to let go of.
  if (cancelled()) cancel();
}

void TreeJob::answer(uint32_t number, const std::vector<bool> &accept) {
  Question question;
  {
    const std::lock_guard lock(mutex_);
    const auto found = questions_.find(number);
    if (found == questions_.end()) return;
    question = std::move(found->second);
    questions_.erase(found);
  }
  auto accepted = std::make_shared<Entries>();
  for (size_t i = 0; i < question.entries.size(); ++i) {
    if (i < accept.size() && accept[i]) {
      accepted->push_back(std::move(question.entries[i]));
    } else {
      count_.skipped.fetch_add(1);
    }
  }
  spawn(
      [this, node = question.node, accepted, more = question.more](Context &) {
        process(node, std::move(*accepted), more);
        release();
      },
      true);
}

// Hands a piece's entries out: subdirectories in front of the rest of this directory, files in small lots.
void TreeJob::process(const NodeRef &node, Entries entries, bool more) {
  // Until all is handed out: the next piece may be read, and be the last one, before that.
  node->open.fetch_add(1);
  // Behind what follows, so that a large directory waits for its first files instead of filling the memory.
  if (more) {
    spawn([this, node](Context &) { scan(node); }, true);
  }
  const size_t lot_size = entries.size() <= kFewFiles ? 1 : kFilesPerTask;
  // Each goes in front of the one before: from the back, so that all is done in the order in which it is listed.
  std::reverse(entries.begin(), entries.end());
  LotRef lot;
  const auto hand_out = [&] {
    if (!lot) return;
    std::reverse(lot->entries.begin(), lot->entries.end());
    spawn([this, lot = std::move(lot)](Context &context) { copy_files(context, lot); }, true);
    lot = nullptr;
  };
  for (TreeEntry &entry : entries) {
    if (entry.error != 0) {
      fail(join_path(node->name, entry.name), entry.error, "fstatat");
    } else if (entry.kind == Kind::directory) {
      node->open.fetch_add(1);
      spawn(
          [this, node, name = entry.name, follow = entry.follow](Context &context) {
            if (stopped()) return close(node);
            enter(context, node, name, node->source.get(), follow);
          },
          true);
    } else {
      if (!lot) lot = new_lot(node);
      lot->entries.push_back(std::move(entry));
      if (lot->entries.size() == lot_size) hand_out();
    }
  }
  hand_out();
  if (!more) close(node);
  close(node);
}

TreeJob::LotRef TreeJob::new_lot(const NodeRef &node) {
  auto lot = std::make_shared<Lot>();
  lot->node = node;
  node->open.fetch_add(1);
  hold();
  return lot;
}

// One thing of `lot` is done.
void TreeJob::close_lot(Lot &lot) {
  if (lot.open.fetch_sub(1) != 1) return;
  close(std::move(lot.node));
  release();
}

void TreeJob::copy_files(Context &context, const LotRef &lot) {
  for (size_t i = 0; i < lot->entries.size() && !stopped(); ++i) {
    const TreeEntry &entry = lot->entries[i];
    if (entry.kind == Kind::file) {
      copy_file(context, lot, i);
    } else if (entry.kind == Kind::symlink) {
      copy_link(lot->node, entry);
    } else {
      fail(name_of(*lot, i), EINVAL, "getdents64", special_code(entry.kind));
    }
  }
  close_lot(*lot);
}

void TreeJob::copy_file(Context &context, const LotRef &lot, size_t index) {
  if (!lot->job) lot->job = std::static_pointer_cast<TreeJob>(shared_from_this());
  const Node &node = *lot->node;
  const TreeEntry &entry = lot->entries[index];
  // A tree of one file has no directory of its own.
  const bool alone = !node.source;
  const std::string name = name_of(*lot, index);
  const SourceFile source{.directory = alone ? source_parent_.get() : node.source.get(),
                          .name = entry.name,
                          .path = source_path(name),
                          .follow = entry.follow};
  TargetFile target{.directory = node.target,
                    .name = alone ? target_name_ : entry.name,
                    .path = target_path(name),
                    .existing = request_.existing,
                    .expected = {},
                    .known = {},
                    .known_digest = {},
                    .parents = {}};
  lot->open.fetch_add(1);
  commit_file(context, engine_.commit(), request_.options, source, std::move(target),
              [lot, index](FileResult &&result) {
                lot->job->file_done(*lot, index, std::move(result));
                lot->job->close_lot(*lot);
              });
}

void TreeJob::copy_link(const NodeRef &node, const TreeEntry &entry) {
  const bool alone = !node->source;
  const std::string name = alone ? std::string() : join_path(node->name, entry.name);
  LinkResult result = copy_symlink(engine_.sys(), engine_.commit().temps,
                                   {.source_dir = alone ? source_parent_.get() : node->source.get(),
                                    .target_dir = node->target->fd.get(),
                                    .name = entry.name,
                                    .target_name = alone ? target_name_ : entry.name,
                                    .source_path = source_path(name),
                                    .target_path = target_path(name),
                                    .verbatim = request_.verbatim_symlinks,
                                    .existing = request_.existing},
                                   request_.options);
  if (result.outcome == Outcome::failed) return fail(name, std::move(result.error));
  if (result.outcome == Outcome::skipped) {
    count_.skipped.fetch_add(1);
    return;
  }
  node->changed.store(true);
  count_.symlinks.fetch_add(1);
}

void TreeJob::file_done(const Lot &lot, size_t index, FileResult &&result) {
  if (result.outcome == Outcome::failed) {
    // A name that is a directory there.
    if (result.error.number == EISDIR) result.error.code = "ERR_FS_CP_NON_DIR_TO_DIR";
    if (result.error.number == EEXIST) result.error.code = "ERR_FS_CP_EEXIST";
    return fail(name_of(lot, index), std::move(result.error));
  }
  if (result.outcome == Outcome::skipped) {
    count_.skipped.fetch_add(1);
  } else {
    count_.files.fetch_add(1);
    file_bytes_.fetch_add(result.bytes);
  }
  if (!request_.report_files) return;
  engine_.sink().push(FileEvent{.job = id(), .index = -1, .name = name_of(lot, index), .result = std::move(result)});
}

void TreeJob::fail(const std::string &name, Error error) {
  count_.failed.fetch_add(1);
  if (request_.stop_on_error) stopping_.store(true);
  FileResult result;
  result.error = std::move(error);
  engine_.sink().push(FileEvent{.job = id(), .index = -1, .name = name, .result = std::move(result)});
}

void TreeJob::fail(const std::string &name, int number, const char *syscall, const char *code, bool at_target) {
  fail(name, {.number = number,
              .code = code,
              .syscall = syscall,
              .path = at_target ? target_path(name) : source_path(name),
              .dest = at_target ? std::string() : target_path(name)});
}

// One thing of `node` is done. The last one finishes the directory, and that is one thing of its parent's.
void TreeJob::close(NodeRef node) {
  while (node && node->open.fetch_sub(1) == 1) {
    finish_directory(*node);
    node = NodeRef(node->parent);
  }
}

void TreeJob::finish_directory(Node &node) {
  if (!node.source || !node.target) return;
  Sys &sys = engine_.sys();
  if (node.made) {
    struct stat now {};
    if (retry([&] { return sys.fstat(node.target->fd.get(), &now); }) != 0) {
      return fail(node.name, errno, "fstat", "", true);
    }
    const MetadataResult metadata =
        apply_metadata(sys, node.source.get(), node.target->fd.get(), node.st, now, request_.options);
    if (metadata.number != 0) return fail(node.name, metadata.number, metadata.syscall, "", true);
  }
  if (!node.made && !node.changed.load()) return;
  // One syncfs at the end serves all of the file system that the tree's root lies on.
  if (!syncs(*node.target) || (target_root_->can_syncfs && node.target->dev == target_root_->dev)) {
    unsynced_.store(true);
    return;
  }
  if (retry([&] { return sys.fsync(node.target->fd.get()); }) != 0) fail(node.name, errno, "fsync", "", true);
}

bool TreeJob::syncs(const Directory &directory) const {
  return request_.options.durability != Durability::none && !directory.is_volatile;
}

// Makes durable what no group did: directories, links, and the entry of the tree itself in its parent.
void TreeJob::sync_tree() {
  if (!target_root_ || !syncs(*target_root_)) return;
  Sys &sys = engine_.sys();
  if (target_root_->can_syncfs && unsynced_.load()) {
    // The descriptor is older than all that was written below it: it sees every write-back error since.
    if (retry([&] { return sys.syncfs(target_root_->fd.get()); }) != 0) fail("", errno, "syncfs", "", true);
    return;
  }
  // EBADF: opened as a mere way; nothing was made in it then.
  if (retry([&] { return sys.fsync(target_parent_->fd.get()); }) != 0 && errno != EBADF) {
    fail("", errno, "fsync", "", true);
  }
}

void TreeJob::finish() {
  if (!error_.failed()) sync_tree();
  if (cancelled() && !error_.failed()) {
    error_ = {.number = 0, .code = "ABORT_ERR", .syscall = "copy", .path = request_.src, .dest = request_.dest};
  }
  DoneEvent done{.job = id(), .progress = progress(), .volume = {}, .error = std::move(error_)};
  done.progress->bytes = file_bytes_.load();
  engine_.finished(*this, std::move(done));
}

std::string TreeJob::name_of(const Lot &lot, size_t index) {
  return lot.node->source ? join_path(lot.node->name, lot.entries[index].name) : std::string();
}

std::string TreeJob::source_path(const std::string &name) const { return join_path(request_.src, name); }

std::string TreeJob::target_path(const std::string &name) const { return join_path(request_.dest, name); }

}  // namespace susten
