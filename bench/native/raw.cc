// The ceiling: how fast two threads copy a tree when they care for nothing but the bytes.
//
//   raw SRC DEST --loop sendfile|copy_file_range|readwrite --buffer BYTES [--threads N] [--sync]
//
// Lists the source, makes the directories and copies every regular file. No owner, no mode, no times, no temp files,
// no renames, no links, no second look. `readwrite` computes each file's XXH3-128 on the way. `--sync` ends with one
// syncfs of the destination. Prints one JSON object: seconds (from before the listing to after the last close),
// files, bytes, cpuSeconds, maxRssKib, digest (XOR of all digests, so that none can be left out).

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
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
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  XXH128_hash_t digest = {0, 0};
};

int open_directory(int parent, const char *name) {
  const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) err(1, "open %s", name);
  return fd;
}

Directory make_directory(const Directory &parent, const char *src, const char *dest) {
  if (mkdirat(parent.dest, dest, 0755) != 0) err(1, "mkdir %s", dest);
  return {open_directory(parent.src, src), open_directory(parent.dest, dest)};
}

// What is left to do: directories to list and files to copy. Any thread takes either; directories go first.
class Work {
 public:
  explicit Work(Directory root) : directories_({root}) {}

  // Adds what was found in a directory that is still being listed.
  void add(std::vector<Directory> &directories, std::vector<File> &files) {
    const std::scoped_lock lock(mutex_);
    directories_.insert(directories_.end(), directories.begin(), directories.end());
    files_.insert(files_.end(), std::make_move_iterator(files.begin()), std::make_move_iterator(files.end()));
    directories.clear();
    files.clear();
    changed_.notify_all();
  }

  void listed() {
    const std::scoped_lock lock(mutex_);
    listing_--;
    changed_.notify_all();
  }

  // The next thing to do, or nothing when all is done. A directory must be ended by `listed`.
  std::variant<std::monostate, Directory, File> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return listing_ == 0 || !directories_.empty() || !files_.empty(); });
    if (!directories_.empty()) {
      const Directory directory = directories_.back();
      directories_.pop_back();
      listing_++;
      return directory;
    }
    if (files_.empty()) return {};
    File file = std::move(files_.front());
    files_.pop_front();
    return file;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Directory> directories_;
  std::deque<File> files_;
  unsigned listing_ = 0;
};

void list(const Directory &dir, Work &work) {
  constexpr std::size_t kBatch = 256;
  std::vector<Directory> directories;
  std::vector<File> files;
  DIR *entries = fdopendir(dup(dir.src));
  if (entries == nullptr) err(1, "fdopendir");
  while (const dirent *entry = readdir(entries)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entry->d_type == DT_REG) files.push_back({dir, entry->d_name});
    if (entry->d_type == DT_DIR) directories.push_back(make_directory(dir, entry->d_name, entry->d_name));
    if (files.size() == kBatch) work.add(directories, files);
  }
  closedir(entries);
  work.add(directories, files);
  work.listed();
}

std::uint64_t copy_in_kernel(int from, int to, const Options &options, const File &file) {
  std::uint64_t bytes = 0;
  for (;;) {
    const ssize_t moved = options.loop == Loop::kSendfile
                              ? sendfile(to, from, nullptr, options.buffer)
                              : copy_file_range(from, nullptr, to, nullptr, options.buffer, 0);
    if (moved < 0) err(1, "copy %s", file.name.c_str());
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
    if (got < 0) err(1, "read %s", file.name.c_str());
    if (got == 0) break;
    if (write(to, buffer, static_cast<std::size_t>(got)) != got) err(1, "write %s", file.name.c_str());
    XXH3_128bits_update(state, buffer, static_cast<std::size_t>(got));
    bytes += static_cast<std::uint64_t>(got);
  }
  const XXH128_hash_t digest = XXH3_128bits_digest(state);
  total.digest.low64 ^= digest.low64;
  total.digest.high64 ^= digest.high64;
  return bytes;
}

void copy(const File &file, char *buffer, const Options &options, XXH3_state_t *state, Total &total) {
  const int from = openat(file.dir.src, file.name.c_str(), O_RDONLY | O_CLOEXEC);
  if (from < 0) err(1, "open %s", file.name.c_str());
  const int to = openat(file.dir.dest, file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (to < 0) err(1, "create %s", file.name.c_str());
  total.bytes += options.loop == Loop::kReadWrite ? copy_with_digest(from, to, buffer, options, file, state, total)
                                                  : copy_in_kernel(from, to, options, file);
  total.files++;
  close(from);
  if (close(to) != 0) err(1, "close %s", file.name.c_str());
}

void run(const Options &options, Work &work, Total &total) {
  char *buffer =
      options.loop == Loop::kReadWrite ? static_cast<char *>(std::aligned_alloc(4096, options.buffer)) : nullptr;
  XXH3_state_t *state = XXH3_createState();
  for (;;) {
    const auto next = work.next();
    if (const auto *directory = std::get_if<Directory>(&next)) {
      list(*directory, work);
    } else if (const auto *file = std::get_if<File>(&next)) {
      copy(*file, buffer, options, state, total);
    } else {
      break;
    }
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
  const auto seconds = [](const timeval &time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char **argv) {
  const Options options = parse(argc, argv);
  if (options.dest.empty() || options.buffer == 0 || options.threads == 0) {
    errx(2, "usage: raw SRC DEST --loop sendfile|copy_file_range|readwrite --buffer BYTES");
  }
  const rlimit descriptors = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_NOFILE, &descriptors);

  const auto start = std::chrono::steady_clock::now();
  Work work(make_directory({AT_FDCWD, AT_FDCWD}, options.src.c_str(), options.dest.c_str()));
  std::vector<Total> totals(options.threads);
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.threads; i++) {
    threads.emplace_back(run, std::cref(options), std::ref(work), std::ref(totals[i]));
  }
  run(options, work, totals[0]);
  for (std::thread &thread : threads) thread.join();
  if (options.sync) {
    const int dest = open_directory(AT_FDCWD, options.dest.c_str());
    if (syncfs(dest) != 0) err(1, "syncfs %s", options.dest.c_str());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  Total sum;
  for (const Total &total : totals) {
    sum.files += total.files;
    sum.bytes += total.bytes;
    sum.digest.low64 ^= total.digest.low64;
    sum.digest.high64 ^= total.digest.high64;
  }
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"seconds\":%.6f,\"files\":%llu,\"bytes\":%llu,\"cpuSeconds\":%.6f,\"maxRssKib\":%ld,"
      "\"digest\":\"%016llx%016llx\"}\n",
      seconds.count(), static_cast<unsigned long long>(sum.files), static_cast<unsigned long long>(sum.bytes),
      cpu_seconds(usage), usage.ru_maxrss, static_cast<unsigned long long>(sum.digest.high64),
      static_cast<unsigned long long>(sum.digest.low64));
  return 0;
}
