#include "release/restore.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "release/hiding_place.h"
#include "release/put_back.h"
#include "sys/entries.h"
#include "sys/retry.h"

namespace susten {

namespace {

std::vector<TreeEntry> entries_of(Sys &sys, int dir) {
  std::vector<TreeEntry> entries;
  const Fd fd(sys, retry([&] { return sys.openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); }));
  while (fd && read_entries(sys, fd.get(), false, entries) > 0) {
  }
  return entries;
}

void restore_entry(Sys &sys, int dir, int hiding, const TreeEntry &entry) {
  if (entry.error != 0) return;
  struct stat st {};
  const bool is_taken = retry([&] { return sys.fstatat(dir, entry.name.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) == 0;
  // A link holds no content: where the file still has its name, or another one, it is of no use.
  if (entry.kind == Kind::symlink && is_taken) {
    remove_hidden(sys, hiding, entry.name);
    return;
  }
  put_back(sys, dir, hiding, entry.name, nullptr);
}

}  // namespace

void restore_left(Sys &sys, const TempMemo &temps, DirectorySet &restored, const DirectoryRef &directory) {
  if (!temps.has_tag() || !restored.add(sys, directory->fd.get(), directory->dev, directory->ino)) return;
  for (const TreeEntry &left : entries_of(sys, directory->fd.get())) {
    if (left.kind != Kind::directory || !temps.is_leftover(left.name)) continue;
    HidingPlace place;
    const char *syscall = "";
    if (place.open(sys, directory, left.name, syscall) != 0) continue;
    for (const TreeEntry &entry : entries_of(sys, place.fd())) {
      restore_entry(sys, directory->fd.get(), place.fd(), entry);
    }
    place.remove();
  }
}

}  // namespace susten
