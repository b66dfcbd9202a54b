// The bare way to put symbolic links in place of files: symlink, exchange, compare, unlink; one file after the other.
//
//   links DIR NEXT
//
// Replaces each regular file one level below DIR by a link to the same name below NEXT. Before the clock starts, it
// lists and looks at all files, since who releases files knows them. Prints one JSON object: seconds, files,
// cpuSeconds, maxRssKib.

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct File {
  int directory;
  std::string name;
  std::string link;
  struct stat known;
};

// Calls `each` with the names in a directory.
template <typename Each>
void list(int directory, Each each) {
  DIR *entries = fdopendir(dup(directory));
  if (entries == nullptr) err(1, "fdopendir");
  while (const dirent *entry = readdir(entries)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") each(name, entry->d_type);
  }
  closedir(entries);
}

void release(const File &file) {
  constexpr const char *kTemporary = ".release.tmp";
  const char *name = file.name.c_str();
  if (symlinkat(file.link.c_str(), file.directory, kTemporary) != 0) err(1, "symlink %s", name);
  if (renameat2(file.directory, kTemporary, file.directory, name, RENAME_EXCHANGE) != 0) err(1, "exchange %s", name);
  struct stat now = {};
  if (fstatat(file.directory, kTemporary, &now, AT_SYMLINK_NOFOLLOW) != 0) err(1, "stat %s", name);
  if (now.st_ino != file.known.st_ino || now.st_size != file.known.st_size ||
      now.st_mtim.tv_sec != file.known.st_mtim.tv_sec || now.st_mtim.tv_nsec != file.known.st_mtim.tv_nsec) {
    errx(1, "%s has changed", name);
  }
  if (unlinkat(file.directory, kTemporary, 0) != 0) err(1, "unlink %s", name);
}

double seconds(const timeval &time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) errx(2, "usage: links DIR NEXT");
  const int root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) err(1, "open %s", argv[1]);
  std::vector<File> files;
  list(root, [&](const std::string &directory, unsigned char type) {
    if (type != DT_DIR) return;
    const int fd = openat(root, directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) err(1, "open %s", directory.c_str());
    list(fd, [&](const std::string &name, unsigned char) {
      File file = {fd, name, std::string(argv[2]) + "/" + directory + "/" + name, {}};
      if (fstatat(fd, name.c_str(), &file.known, AT_SYMLINK_NOFOLLOW) != 0) err(1, "stat %s", name.c_str());
      if (S_ISREG(file.known.st_mode)) files.push_back(std::move(file));
    });
  });

  const auto start = std::chrono::steady_clock::now();
  for (const File &file : files) release(file);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"seconds\":%.6f,\"files\":%zu,\"cpuSeconds\":%.6f,\"maxRssKib\":%ld}\n", wall.count(), files.size(),
              seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
  return 0;
}
