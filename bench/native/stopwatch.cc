// Runs a command and reports what it cost, as the kernel counts it.
//
//   stopwatch [--touch BYTES] -- COMMAND [ARG…]
//
// Writes one JSON object to descriptor 3: seconds (fork to reaped), cpuSeconds (user + system, of the command and of
// every child it waited for), userSeconds, maxRssKib (of the largest single process) and status (exit code, 128 + n
// for signal n). `--touch` first allocates, writes and frees that much memory in a process of its own: in a virtual
// machine whose host takes back freed memory, the first to use it again would otherwise pay for it.

#include <err.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kReport = 3;

void touch(std::size_t bytes) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  for (std::size_t at = 0; at < bytes; at += 4096) static_cast<volatile char *>(memory)[at] = 1;
  munmap(memory, bytes);
}

double seconds(const timeval &time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

// Forks; the child dies with its parent. Returns 0 in the child.
pid_t fork_bound() {
  const pid_t pid = fork();
  if (pid < 0) err(2, "fork");
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

}  // namespace

int main(int argc, char **argv) {
  std::size_t bytes = 0;
  int first = 1;
  if (first + 1 < argc && std::strcmp(argv[first], "--touch") == 0) {
    bytes = std::strtoull(argv[first + 1], nullptr, 10);
    first += 2;
  }
  if (first + 1 >= argc || std::strcmp(argv[first], "--") != 0) {
    errx(2, "usage: stopwatch [--touch BYTES] -- COMMAND [ARG...]");
  }
  char **command = argv + first + 1;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  fcntl(kReport, F_SETFD, FD_CLOEXEC);

  if (bytes > 0) {
    const pid_t toucher = fork_bound();
    if (toucher == 0) {
      touch(bytes);
      _exit(0);
    }
    waitpid(toucher, nullptr, 0);
  }

  const auto start = std::chrono::steady_clock::now();
  const pid_t pid = fork_bound();
  if (pid == 0) {
    execvp(command[0], command);
    err(127, "%s", command[0]);
  }
  int status = 0;
  rusage usage = {};
  if (wait4(pid, &status, 0, &usage) != pid) err(2, "wait4");
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  dprintf(kReport, "{\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"userSeconds\":%.6f,\"maxRssKib\":%ld,\"status\":%d}\n",
          wall.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime), seconds(usage.ru_utime), usage.ru_maxrss,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
