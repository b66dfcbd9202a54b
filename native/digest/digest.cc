#include "digest/digest.h"

#include <array>

// xxHash is compiled into this file alone, from the header that the package xxhash-addon carries.
#if defined(__x86_64__)
// A binary for every x86-64 has SSE2 only. The dispatcher asks the CPU once, at load, and takes AVX2 where it is there:
// twice as fast. AVX-512 stays off: a quarter more at best, but older Xeons lower the clock of everything else for it.
#define XXH_DISPATCH_AVX512 0
#include "xxh_x86dispatch.c"  // NOLINT(bugprone-suspicious-include): a C file by name, made to be compiled so
#else
#define XXH_INLINE_ALL
#include "xxhash.h"
#endif

namespace susten {

// XXH3_state_t is over-aligned (64 bytes); C++17's aligned new takes care of that.
struct Digest::State {
  XXH3_state_t xxh;
};

Digest::Digest() : state_(new State) { reset(); }
Digest::~Digest() = default;
Digest::Digest(Digest &&other) noexcept = default;
Digest &Digest::operator=(Digest &&other) noexcept = default;

void Digest::reset() { XXH3_128bits_reset(&state_->xxh); }

void Digest::update(const void *data, size_t size) {
#if defined(__x86_64__)
  XXH3_128bits_update_dispatch(&state_->xxh, data, size);
#else
  XXH3_128bits_update(&state_->xxh, data, size);
#endif
}

std::string Digest::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
  constexpr std::array<char, 16> digits = {'0', '1', '2', '3', '4', '5', '6', '7',
                                           '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  std::string text;
  text.reserve(2 * sizeof canonical.digest);
  for (const unsigned char byte : canonical.digest) {
    text.push_back(digits[byte >> 4U]);
    text.push_back(digits[byte & 0xFU]);
  }
  return text;
}

}  // namespace susten
