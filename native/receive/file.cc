#include "receive/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "commit/finish.h"
#include "commit/metadata.h"
#include "receive/body.h"
#include "receive/exchange.h"
#include "receive/http_date.h"
#include "sys/retry.h"
#include "sys/timestamp.h"

namespace susten {

namespace {

using Done = std::function<void(ReceiveResult)>;

constexpr int64_t kSecond = 1'000'000'000;
// Longer and longer, from the second time on.
constexpr auto kPause = std::chrono::milliseconds(100);
constexpr int64_t kMostPauses = 10;

struct timespec from_ns(int64_t ns) {
  const int64_t part = (ns % kSecond + kSecond) % kSecond;
  return {.tv_sec = (ns - part) / kSecond, .tv_nsec = static_cast<long>(part)};
}

ReceiveOutcome outcome_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::created:
      return ReceiveOutcome::created;
    case Outcome::replaced:
      return ReceiveOutcome::replaced;
    case Outcome::versioned:
      return ReceiveOutcome::versioned;
    case Outcome::skipped:
      return ReceiveOutcome::skipped;
    case Outcome::unchanged:
    case Outcome::failed:
      break;
  }
  return ReceiveOutcome::failed;
}

bool is_error(int status) { return status >= 400; }

class FileReceive {
 public:
  FileReceive(Context &context, const Receiving &receiving, const ReceiveFile &file, ReceiveTarget target, Done done)
      : context_(context),
        sys_(context.sys),
        receiving_(receiving),
        options_(receiving.options),
        file_(file),
        target_(std::move(target)),
        done_(std::move(done)),
        patience_(context, receiving.cancel_fd) {}

  void run() {
    for (;;) {
      const Step step = attempt();
      if (step == Step::told) return;
      if (step == Step::well) return finish();
      if (!goes_on()) return fail();
    }
  }

 private:
  enum class Step : uint8_t {
    well,    // on to the next step
    told,    // `done` was called: there is none
    failed,  // see failure_
  };

  Step failed(Failure failure) {
    failure_ = failure;
    return Step::failed;
  }

  // One request, and its body.
  Step attempt() {
    if (patience_.cancelled()) return failed({.code = "ABORT_ERR", .syscall = "receive"});
    Exchange exchange(sys_, receiving_.connections, options_.server, options_.timeouts, patience_);
    std::optional<Rest> rest;
    if (body_ && body_->at() > 0 && !validator_.empty()) rest = {.from = body_->at(), .validator = validator_};
    Failure failure = exchange.ask(request_text(options_, file_, rest));
    if (failure.failed()) return failed(failure);
    const Answer &answer = exchange.answer();
    if (rest && answer.status == 206) {
      failure = check_range(answer, *rest);
      return failure.failed() ? failed(failure) : take_in(exchange);
    }
    // The answer to a range has but a part of the fields.
    result_.status = answer.status;
    result_.fields = answer.fields;
    if (rest && (answer.status == 412 || answer.status == 416)) {
      // It isn't what it was. Without a condition it comes from the beginning.
      exchange.decline();
      validator_.clear();
      return attempt();
    }
    if (answer.status != 200 || !answer.is_identity() || !answer.content_length) {
      exchange.decline();
      return tell(is_error(answer.status) ? ReceiveOutcome::status : ReceiveOutcome::unsupported);
    }
    const Step step = begin(answer);
    return step == Step::well ? take_in(exchange) : step;
  }

  Step take_in(Exchange &exchange) {
    const int64_t size = exchange.answer().content_length.value_or(0);
    Failure failure = body_->receive(exchange.connection(), exchange.early(), size);
    if (!failure.failed()) failure = exchange.conclude();
    return failure.failed() ? failed(failure) : Step::well;
  }

  // Whether the answer has just what is missing, of the same version.
  [[nodiscard]] Failure check_range(const Answer &answer, const Rest &rest) const {
    const std::string *text = answer.find("content-range");
    const std::optional<ContentRange> range = text == nullptr ? std::nullopt : parse_content_range(*text);
    if (!range || range->first != rest.from || range->last != size_ - 1 || range->whole != size_) {
      return broken_rules("content-range");
    }
    if (!answer.is_identity()) return broken_rules("content-encoding");
    if (answer.content_length != size_ - rest.from) return broken_rules("content-length");
    // Not every server heeds the condition.
    for (const char *name : {"etag", "last-modified"}) {
      const std::string *now = answer.find(name);
      const std::string *before = find_field(result_.fields, name);
      if (now != nullptr && before != nullptr && *now != *before) return broken_rules(name);
    }
    return {};
  }

  // A whole body is about to come: the first one, or a new one after a part.
  Step begin(const Answer &answer) {
    const int64_t size = answer.content_length.value_or(0);
    if (file_.size && *file_.size != size) {
      return failed({.code = "ERR_SUSTEN_CHANGED", .syscall = "content-length"});
    }
    if (!body_) {
      const Step step = open();
      if (step != Step::well) return step;
    }
    const int number = could_hold(sys_, *directory_, size);
    if (number != 0) return failed({.number = number, .syscall = "fstatvfs", .side = Side::target});
    if (body_->at() > 0) {
      const Failure failure = body_->restart();
      if (failure.failed()) return failed(failure);
    }
    size_ = size;
    validator_ = validator_of(answer);
    return Step::well;
  }

  // Makes the temp file.
  Step open() {
    Error error;
    directory_ = target_.open(parents_, error);
    if (!directory_) return fail_with(std::move(error));
    if (file_.existing == Existing::refuse || file_.existing == Existing::skip) {
      struct stat st {};
      const int dir = directory_->fd.get();
      if (retry([&] { return sys_.fstatat(dir, target_.name.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) == 0) {
        if (file_.existing == Existing::skip) return tell(ReceiveOutcome::skipped);
        return failed({.number = EEXIST, .syscall = "receive", .side = Side::target});
      }
    }
    if (!Temp::create(sys_, receiving_.commit.temps, directory_, options_.mode, temp_, error)) {
      error.dest = target_.path;
      return fail_with(std::move(error));
    }
    // After the opening and before the first write: whoever has the lowest number was open before anyone wrote.
    if (waits_for_group(options_.copy.durability, *directory_)) opened_ = receiving_.commit.groups.opening();
    const bool syncs = options_.copy.durability != Durability::none && !directory_->is_volatile;
    const Body::Plan plan{.digest = options_.digest || !file_.digest.empty(), .write_behind = syncs};
    body_.emplace(context_, patience_, options_.timeouts, temp_.fd(), plan);
    return Step::well;
  }

  // Whether the transfer only broke, and may go on.
  bool goes_on() {
    const bool is_break = failure_.number != 0 || std::strcmp(failure_.code, "ERR_SUSTEN_SHORT") == 0;
    if (!is_break || failure_.side != Side::server || !body_ || body_->at() == 0 || validator_.empty()) return false;
    if (result_.resumed >= options_.resumes) return false;
    const int64_t pauses = std::min(result_.resumed++, kMostPauses);
    patience_.pause(kPause * pauses);
    return true;
  }

  void finish() {
    result_.bytes = size_;
    result_.digest = body_->digest();
    if (!file_.digest.empty() && file_.digest != result_.digest) {
      failure_ = {.code = "ERR_SUSTEN_CHANGED", .syscall = "compare"};
      return fail();
    }
    failure_ = set_metadata();
    if (failure_.failed()) return fail();
    const Unfinished file{.directory = directory_,
                          .parents = parents_,
                          .temp = temp_,
                          .name = target_.name,
                          .path = target_.path,
                          .existing = file_.existing,
                          .expected = file_.expected,
                          .size = size_,
                          .opened = opened_};
    FileResult placed;
    std::function<void(FileResult)> done = [result = std::move(result_),
                                            done = std::move(done_)](FileResult end) mutable {
      result.outcome = outcome_of(end.outcome);
      result.version = std::move(end.version);
      result.error = std::move(end.error);
      done(std::move(result));
    };
    finish_file(context_, receiving_.commit, options_.copy.durability, file, placed, done);
  }

  Failure set_metadata() {
    const auto failed_at = [](int number, const char *syscall) {
      return Failure{.number = number, .syscall = syscall, .side = Side::target};
    };
    struct stat now {};
    if (retry([&] { return sys_.fstat(temp_.fd(), &now); }) != 0) return failed_at(errno, "fstat");
    if (now.st_size != size_) return {.code = "ERR_SUSTEN_SHORT", .syscall = "fstat", .side = Side::target};
    struct stat st = now;
    st.st_uid = options_.uid;
    st.st_gid = options_.gid;
    st.st_mode = S_IFREG | options_.mode;
    st.st_atim = {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
    CopyOptions copy = options_.copy;
    const std::optional<int64_t> mtime = mtime_ns();
    copy.times = mtime ? Preserve::keep : Preserve::off;
    if (mtime) st.st_mtim = from_ns(*mtime);
    if (is_strangers(*directory_, owner_of(st, copy))) {
      const MetadataResult dropped = drop_inherited(sys_, temp_.fd(), false);
      if (dropped.number != 0) return failed_at(dropped.number, dropped.syscall);
    }
    const MetadataResult metadata = apply_metadata(sys_, temp_.fd(), temp_.fd(), st, now, copy);
    if (metadata.number != 0) return failed_at(metadata.number, metadata.syscall);
    // The time that the file really has: some file systems cut it. It's how the file is known again.
    if (retry([&] { return sys_.fstat(temp_.fd(), &now); }) != 0) return failed_at(errno, "fstat");
    result_.mtime_ns = to_ns(now.st_mtim);
    return {};
  }

  [[nodiscard]] std::optional<int64_t> mtime_ns() const {
    if (file_.mtime_ns) return file_.mtime_ns;
    const std::string *modified = find_field(result_.fields, "last-modified");
    const std::optional<int64_t> seconds = modified == nullptr ? std::nullopt : parse_http_date(*modified);
    return seconds ? std::optional(*seconds * kSecond) : std::nullopt;
  }

  Step tell(ReceiveOutcome outcome) {
    result_.outcome = outcome;
    temp_ = Temp();  // before anyone is told, so that who is told finds nothing left
    done_(std::move(result_));
    return Step::told;
  }

  Step fail_with(Error error) {
    result_.error = std::move(error);
    return tell(ReceiveOutcome::failed);
  }

  void fail() {
    const bool at_target = failure_.side == Side::target;
    const std::string url = "http://" + options_.server.authority + file_.target;
    fail_with({.number = failure_.number,
               .code = failure_.code,
               .syscall = failure_.syscall,
               .path = at_target ? target_.path : url,
               .dest = at_target ? std::string() : target_.path});
  }

  Context &context_;
  Sys &sys_;
  const Receiving &receiving_;
  const ReceiveOptions &options_;
  const ReceiveFile &file_;
  ReceiveTarget target_;
  Done done_;
  Patience patience_;
  // What the file will be.
  int64_t size_ = 0;
  std::string validator_;
  DirectoryRef directory_;
  std::vector<DirectoryRef> parents_;
  Temp temp_;
  uint64_t opened_ = 0;
  std::optional<Body> body_;
  Failure failure_;
  ReceiveResult result_;
};

}  // namespace

void receive_file(Context &context, const Receiving &receiving, const ReceiveFile &file, ReceiveTarget target,
                  Done done) {
  FileReceive(context, receiving, file, std::move(target), std::move(done)).run();
}

}  // namespace susten
