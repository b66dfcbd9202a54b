// Makes many files quickly:  make DIR FILES SIZE PER_DIRECTORY
//
// DIR is made; in it are series_0000, series_0001, …, each with PER_DIRECTORY files (the last with what is left) of
// SIZE bytes that don't compress. The files belong to 1234:1234 and have mode 0640.

#include <err.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr unsigned kOwner = 1234;

void make_file(int directory, unsigned long index, const std::vector<std::uint64_t> &content, std::size_t size) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "image_%07lu.cbf", index);
  const int fd = openat(directory, name.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) err(1, "create %s", name.data());
  for (std::size_t left = size; left > 0;) {
    const ssize_t written = write(fd, content.data(), std::min(left, content.size() * sizeof(content[0])));
    if (written <= 0) err(1, "write %s", name.data());
    left -= static_cast<std::size_t>(written);
  }
  if (geteuid() == 0 && fchown(fd, kOwner, kOwner) != 0) err(1, "chown %s", name.data());
  close(fd);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 5) errx(2, "usage: make DIR FILES SIZE PER_DIRECTORY");
  const unsigned long files = std::strtoul(argv[2], nullptr, 10);
  const std::size_t size = std::strtoul(argv[3], nullptr, 10);
  const unsigned long per_directory = std::strtoul(argv[4], nullptr, 10);
  if (per_directory == 0) errx(2, "PER_DIRECTORY must be positive");
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> content(8192);
  for (std::uint64_t &word : content) word = random();

  if (mkdir(argv[1], 0755) != 0) err(1, "mkdir %s", argv[1]);
  int directory = -1;
  for (unsigned long index = 0; index < files; index++) {
    if (index % per_directory == 0) {
      if (directory >= 0) close(directory);
      std::array<char, 16> name{};
      std::snprintf(name.data(), name.size(), "series_%04u", static_cast<unsigned>(index / per_directory) % 10000U);
      const std::string path = std::string(argv[1]) + "/" + name.data();
      if (mkdir(path.c_str(), 0755) != 0) err(1, "mkdir %s", path.c_str());
      directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (directory < 0) err(1, "open %s", path.c_str());
    }
    make_file(directory, index, content, size);
  }
  return 0;
}
