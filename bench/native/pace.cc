// A detector: writes files at a steady pace, and tells when each was closed.
//
//   pace DIR FILES SIZE PER_SECOND
//
// Prints a line for each: the clock (CLOCK_MONOTONIC, nanoseconds) right after it was closed, a blank, its path. A
// file that couldn't be begun in time is begun as soon as the one before it is written.

#include <err.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr unsigned kOwner = 1234;

void write_file(const std::string &path, const std::vector<std::uint64_t> &content, std::size_t size) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) err(1, "create %s", path.c_str());
  const char *from = reinterpret_cast<const char *>(content.data());
  for (std::size_t done = 0; done < size;) {
    const ssize_t written = write(fd, from + done, size - done);
    if (written <= 0) err(1, "write %s", path.c_str());
    done += static_cast<std::size_t>(written);
  }
  if (geteuid() == 0 && fchown(fd, kOwner, kOwner) != 0) err(1, "chown %s", path.c_str());
  if (close(fd) != 0) err(1, "close %s", path.c_str());
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 5) errx(2, "usage: pace DIR FILES SIZE PER_SECOND");
  using Clock = std::chrono::steady_clock;
  const unsigned long files = std::strtoul(argv[2], nullptr, 10);
  const std::size_t size = std::strtoul(argv[3], nullptr, 10);
  const double per_second = std::strtod(argv[4], nullptr);
  if (per_second <= 0) errx(2, "PER_SECOND must be positive");
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> content(size / sizeof(std::uint64_t) + 1);
  for (std::uint64_t &word : content) word = random();

  const auto start = Clock::now();
  for (unsigned long index = 0; index < files; index++) {
    std::this_thread::sleep_until(start + std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>(static_cast<double>(index) / per_second)));
    content[0] = index;  // no two alike
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "/image_%07lu.h5", index);
    const std::string path = std::string(argv[1]) + name.data();
    write_file(path, content, size);
    const auto closed = std::chrono::nanoseconds(Clock::now().time_since_epoch()).count();
    std::printf("%lld %s\n", static_cast<long long>(closed), path.c_str());
    std::fflush(stdout);
  }
  return 0;
}
