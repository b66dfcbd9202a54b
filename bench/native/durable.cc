// The bare way to copy files durably as they come: copy, fdatasync, rename, fsync of the directory; nothing else.
//
//   durable DEST THREADS COMMAND [ARG…]
//
// Runs the command, which prints lines as `pace` does, and copies each file to DEST as soon as its line is read, with
// so many threads. No owner, no mode, no times, no digest, no journal, no second look. Prints one JSON object: seconds
// (from the start of the command to the last file's end), cpuSeconds, maxRssKib, and latencyMs: from a file's close to
// the end of the directory's sync.

#include <err.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct File {
  std::string path;
  std::int64_t closed;  // nanoseconds
};

class Queue {
 public:
  void push(File file) {
    const std::scoped_lock lock(mutex_);
    files_.push_back(std::move(file));
    changed_.notify_one();
  }

  void end() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  // False when there will be none any more.
  bool pop(File &file) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !files_.empty(); });
    if (files_.empty()) return false;
    file = std::move(files_.front());
    files_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<File> files_;
  bool ended_ = false;
};

std::int64_t nanoseconds(Clock::time_point time) { return std::chrono::nanoseconds(time.time_since_epoch()).count(); }

void copy(const std::string &path, int dest) {
  constexpr std::size_t kMost = 1 << 30;
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::string temporary = "." + name + ".tmp";
  const int from = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (from < 0) err(1, "open %s", path.c_str());
  const int to = openat(dest, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (to < 0) err(1, "create %s", temporary.c_str());
  for (;;) {
    const ssize_t moved = sendfile(to, from, nullptr, kMost);
    if (moved < 0) err(1, "copy %s", name.c_str());
    if (moved == 0) break;
  }
  close(from);
  if (fdatasync(to) != 0) err(1, "fdatasync %s", name.c_str());
  close(to);
  if (renameat(dest, temporary.c_str(), dest, name.c_str()) != 0) err(1, "rename %s", name.c_str());
  if (fsync(dest) != 0) err(1, "fsync the directory of %s", name.c_str());
}

void run(Queue &queue, int dest, std::vector<double> &latencies) {
  for (File file; queue.pop(file);) {
    copy(file.path, dest);
    latencies.push_back(static_cast<double>(nanoseconds(Clock::now()) - file.closed) / 1e6);
  }
}

// Starts a command; its output is what is returned.
std::FILE *start(char **command, pid_t &pid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) err(1, "pipe");
  pid = fork();
  if (pid < 0) err(1, "fork");
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execvp(command[0], command);
    err(127, "%s", command[0]);
  }
  close(ends[1]);
  return fdopen(ends[0], "r");
}

double seconds(const timeval &time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

int main(int argc, char **argv) {
  const unsigned long threads = argc > 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if (threads == 0) errx(2, "usage: durable DEST THREADS COMMAND [ARG...]");
  const int dest = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dest < 0) err(1, "open %s", argv[1]);

  const auto begin = Clock::now();
  pid_t pid = -1;
  std::FILE *lines = start(argv + 3, pid);
  Queue queue;
  std::vector<std::vector<double>> latencies(threads);
  std::vector<std::thread> workers;
  for (std::vector<double> &own : latencies) workers.emplace_back([&queue, dest, &own] { run(queue, dest, own); });
  char *line = nullptr;
  std::size_t capacity = 0;
  for (ssize_t length; (length = getline(&line, &capacity, lines)) > 0;) {
    char *rest = nullptr;
    const long long closed = std::strtoll(line, &rest, 10);
    queue.push({std::string(rest + 1, line + length - 1), closed});
  }
  queue.end();
  for (std::thread &worker : workers) worker.join();
  const std::chrono::duration<double> wall = Clock::now() - begin;
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || status != 0) errx(1, "%s failed", argv[3]);

  std::vector<double> all;
  for (const std::vector<double> &own : latencies) all.insert(all.end(), own.begin(), own.end());
  if (all.empty()) errx(1, "no files");
  std::sort(all.begin(), all.end());
  // The smallest of the values that so great a part of them doesn't exceed.
  const auto percentile = [&all](std::size_t part) { return all[(all.size() * part + 99) / 100 - 1]; };
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"maxRssKib\":%ld,"
      "\"latencyMs\":{\"p50\":%.4f,\"p99\":%.4f,\"max\":%.4f}}\n",
      wall.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss, percentile(50), percentile(99),
      all.back());
  return 0;
}
