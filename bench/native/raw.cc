// The ceiling: how fast two threads copy a tree when they care for nothing but the bytes.
//
//   raw SRC DEST --loop sendfile|copy_file_range|readwrite --buffer BYTES [--threads N] [--sync]
//
// Lists the source, makes the directories and copies every regular file. No owner, no mode, no times, no temp files,
// no renames, no links, no second look. `readwrite` computes each file's XXH3-128 on the way. `--sync` ends with one
// syncfs of the destination. Prints one JSON object: seconds (from before the listing to after the last close),
// files, bytes, cpuSeconds, maxRssKib, digest (XOR of all digests, so that none can be left out).

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace {

enum class Loop { kSendfile, kCopyFileRange, kReadWrite };

struct Options {
  std::string src;
  std::string dest;
  Loop loop = Loop::kSendfile;
  std::size_t buffer = 65536;
  unsigned threads = 2;
  bool sync = false;
};

// Both sides of a directory, open until the process ends: names below it are looked up in one step.
struct Directory {
  int src;
  int dest;
};

struct File {
  Directory dir;
  std::string name;
};

struct Total {
  std::uint64_t bytes = 0;
  XXH128_hash_t digest = {0, 0};
};

[[noreturn]] void die(const char *call, const std::string &path) {
  std::fprintf(stderr, "raw: %s %s: %s\n", call, path.c_str(), std::strerror(errno));
  std::exit(1);
}

int open_directory(int parent, const char *name) {
  const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) die("open", name);
  return fd;
}

Directory make_directory(const Directory &parent, const char *src, const char *dest) {
  if (mkdirat(parent.dest, dest, 0755) != 0) die("mkdir", dest);
  return {open_directory(parent.src, src), open_directory(parent.dest, dest)};
}

std::vector<File> list(const Options &options) {
  std::vector<File> files;
  std::vector<Directory> waiting = {make_directory({AT_FDCWD, AT_FDCWD}, options.src.c_str(), options.dest.c_str())};
  while (!waiting.empty()) {
    const Directory dir = waiting.back();
    waiting.pop_back();
    DIR *entries = fdopendir(dup(dir.src));
    if (entries == nullptr) die("fdopendir", options.src);
    while (const dirent *entry = readdir(entries)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (entry->d_type == DT_REG) files.push_back({dir, entry->d_name});
      if (entry->d_type == DT_DIR) waiting.push_back(make_directory(dir, entry->d_name, entry->d_name));
    }
    closedir(entries);
  }
  return files;
}

std::uint64_t copy_in_kernel(int from, int to, const Options &options, const File &file) {
  std::uint64_t bytes = 0;
  for (;;) {
    const ssize_t moved = options.loop == Loop::kSendfile
                              ? sendfile(to, from, nullptr, options.buffer)
                              : copy_file_range(from, nullptr, to, nullptr, options.buffer, 0);
    if (moved < 0) die("copy", file.name);
    if (moved == 0) return bytes;
    bytes += static_cast<std::uint64_t>(moved);
  }
}

std::uint64_t copy_with_digest(int from, int to, char *buffer, const Options &options, const File &file,
                               XXH3_state_t *state, Total &total) {
  std::uint64_t bytes = 0;
  XXH3_128bits_reset(state);
  for (;;) {
    const ssize_t got = read(from, buffer, options.buffer);
    if (got < 0) die("read", file.name);
    if (got == 0) break;
    if (write(to, buffer, static_cast<std::size_t>(got)) != got) die("write", file.name);
    XXH3_128bits_update(state, buffer, static_cast<std::size_t>(got));
    bytes += static_cast<std::uint64_t>(got);
  }
  const XXH128_hash_t digest = XXH3_128bits_digest(state);
  total.digest.low64 ^= digest.low64;
  total.digest.high64 ^= digest.high64;
  return bytes;
}

void work(const Options &options, const std::vector<File> &files, std::atomic<std::size_t> &next, Total &total) {
  char *buffer = static_cast<char *>(std::aligned_alloc(4096, options.buffer));
  XXH3_state_t *state = XXH3_createState();
  if (buffer == nullptr || state == nullptr) die("allocate", options.dest);
  for (std::size_t i = next++; i < files.size(); i = next++) {
    const File &file = files[i];
    const int from = openat(file.dir.src, file.name.c_str(), O_RDONLY | O_CLOEXEC);
    if (from < 0) die("open", file.name);
    const int to = openat(file.dir.dest, file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0) die("create", file.name);
    total.bytes += options.loop == Loop::kReadWrite ? copy_with_digest(from, to, buffer, options, file, state, total)
                                                    : copy_in_kernel(from, to, options, file);
    close(from);
    if (close(to) != 0) die("close", file.name);
  }
  XXH3_freeState(state);
  std::free(buffer);
}

Options parse(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; i++) {
    const std::string_view arg = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--sync") {
      options.sync = true;
    } else if (arg == "--loop") {
      options.loop = value == "sendfile"          ? Loop::kSendfile
                     : value == "copy_file_range" ? Loop::kCopyFileRange
                                                  : Loop::kReadWrite;
      i++;
    } else if (arg == "--buffer") {
      options.buffer = std::strtoull(argv[++i], nullptr, 10);
    } else if (arg == "--threads") {
      options.threads = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    } else {
      (options.src.empty() ? options.src : options.dest) = arg;
    }
  }
  return options;
}

double cpu_seconds(const rusage &usage) {
  const auto seconds = [](const timeval &time) { return static_cast<double>(time.tv_sec) + 1e-6 * time.tv_usec; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char **argv) {
  const Options options = parse(argc, argv);
  if (options.dest.empty() || options.buffer == 0 || options.threads == 0) {
    std::fprintf(stderr, "usage: raw SRC DEST --loop sendfile|copy_file_range|readwrite --buffer BYTES\n");
    return 2;
  }
  const rlimit descriptors = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_NOFILE, &descriptors);

  const auto start = std::chrono::steady_clock::now();
  const std::vector<File> files = list(options);
  std::atomic<std::size_t> next = 0;
  std::vector<Total> totals(options.threads);
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.threads; i++) {
    threads.emplace_back(work, std::cref(options), std::cref(files), std::ref(next), std::ref(totals[i]));
  }
  work(options, files, next, totals[0]);
  for (std::thread &thread : threads) thread.join();
  if (options.sync) {
    const int dest = open_directory(AT_FDCWD, options.dest.c_str());
    if (syncfs(dest) != 0) die("syncfs", options.dest);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  Total sum;
  for (const Total &total : totals) {
    sum.bytes += total.bytes;
    sum.digest.low64 ^= total.digest.low64;
    sum.digest.high64 ^= total.digest.high64;
  }
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"seconds\":%.6f,\"files\":%zu,\"bytes\":%llu,\"cpuSeconds\":%.6f,\"maxRssKib\":%ld,"
      "\"digest\":\"%016llx%016llx\"}\n",
      seconds.count(), files.size(), static_cast<unsigned long long>(sum.bytes), cpu_seconds(usage), usage.ru_maxrss,
      static_cast<unsigned long long>(sum.digest.high64), static_cast<unsigned long long>(sum.digest.low64));
  return 0;
}
