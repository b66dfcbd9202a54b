// XXH3-128 of a stream of bytes: what `xxhsum -H2` prints.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace susten {

// One running digest. Not for two threads at once; each worker has its own and resets it for every file.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest &&other) noexcept;
  Digest &operator=(Digest &&other) noexcept;
  Digest(const Digest &) = delete;
  Digest &operator=(const Digest &) = delete;

  // Begins a new stream. A new digest is ready without it.
  void reset();
  void update(const void *data, size_t size);
  // 32 lower-case hex digits, most significant byte first (XXH128's canonical form). The stream may go on afterwards.
  [[nodiscard]] std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace susten
