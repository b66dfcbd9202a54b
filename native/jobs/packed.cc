#include "jobs/packed.h"

#include <bit>
#include <string>

namespace susten {

namespace {

// The lowest bits of a file's flags are its `existing` or `by`.
constexpr uint8_t kChoice = 3;

enum CopyFlag : uint8_t { has_expect = 4, has_link = 8, has_known = 16, has_known_digest = 32, has_source_size = 64 };
enum ReleaseFlag : uint8_t {
  has_ino = 4,
  has_ctime = 8,
  has_digest = 16,
  has_copy_digest = 32,
  has_text = 64,
  has_copy = 128
};

class Unpacker {
 public:
  explicit Unpacker(const PackedFiles &packed)
      : names_(packed.names), lengths_(packed.lengths), numbers_(packed.numbers) {}

  std::string name() {
    if (lengths_.empty() || lengths_.front() > names_.size()) {
      is_short_ = true;
      return {};
    }
    std::string name(names_.substr(0, lengths_.front()));
    names_.remove_prefix(name.size());
    lengths_ = lengths_.subspan(1);
    return name;
  }

  int64_t integer() {
    if (numbers_.empty()) {
      is_short_ = true;
      return 0;
    }
    const int64_t number = numbers_.front();
    numbers_ = numbers_.subspan(1);
    return number;
  }

  uint64_t natural() { return static_cast<uint64_t>(integer()); }
  int64_t size() { return static_cast<int64_t>(std::bit_cast<double>(integer())); }

  // All was there, and nothing else.
  [[nodiscard]] bool is_whole() const { return !is_short_ && names_.empty() && lengths_.empty() && numbers_.empty(); }

 private:
  std::string_view names_;
  std::span<const uint32_t> lengths_;
  std::span<const int64_t> numbers_;
  bool is_short_ = false;
};

CopyRequest::File unpack_copy(Unpacker &from, uint8_t flags) {
  CopyRequest::File file;
  file.src = from.name();
  file.dest = from.name();
  file.existing = static_cast<Existing>(flags & kChoice);
  if ((flags & has_expect) != 0) {
    file.expected.emplace();
    file.expected->size = from.size();
    file.expected->mtime_ns = from.integer();
  }
  if ((flags & has_link) != 0) {
    if (!file.expected) file.expected.emplace();
    file.expected->link = from.name();
  }
  if ((flags & has_known) != 0) {
    file.known.emplace();
    file.known->dev = from.natural();
    file.known->ino = from.natural();
    file.known->size = from.size();
    file.known->mtime_ns = from.integer();
    file.known->ctime_ns = from.integer();
  }
  if ((flags & has_known_digest) != 0) file.known_digest = from.name();
  if ((flags & has_source_size) != 0) file.size = from.size();
  return file;
}

ReleaseFile unpack_release(Unpacker &from, uint8_t flags) {
  ReleaseFile file;
  file.name = from.name();
  file.by = static_cast<ReleaseBy>(flags & kChoice);
  file.known.size = from.size();
  file.known.mtime_ns = from.integer();
  if ((flags & has_ino) != 0) file.known.ino = from.natural();
  if ((flags & has_ctime) != 0) file.known.ctime_ns = from.integer();
  if ((flags & has_digest) != 0) file.known.digest = from.name();
  if ((flags & has_copy) != 0) {
    file.copy.name = from.name();
    file.copy.size = from.size();
    file.copy.mtime_ns = from.integer();
    if ((flags & has_copy_digest) != 0) file.copy.digest = from.name();
  } else {
    file.vouched = true;
  }
  if ((flags & has_text) != 0) file.link = from.name();
  return file;
}

}  // namespace

bool unpack_copies(const PackedFiles &packed, std::vector<CopyRequest::File> &files) {
  Unpacker from(packed);
  files.reserve(packed.flags.size());
  for (const uint8_t flags : packed.flags) files.push_back(unpack_copy(from, flags));
  return from.is_whole();
}

bool unpack_releases(const PackedFiles &packed, std::vector<ReleaseFile> &files) {
  Unpacker from(packed);
  files.reserve(packed.flags.size());
  for (const uint8_t flags : packed.flags) {
    if ((flags & kChoice) > static_cast<uint8_t>(ReleaseBy::clear)) return false;
    files.push_back(unpack_release(from, flags));
  }
  return from.is_whole();
}

}  // namespace susten
