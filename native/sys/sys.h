// The one table of system calls. Everything below native/ that touches a file goes through it, so that a test can
// replace entries by faults (sys/faults.h) and see that every failure ends well.
//
// Conventions are the kernel's: -1 and errno. No entry retries; the callers do (sys/retry.h).
#pragma once

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace susten {

class Sys {
 public:
  virtual ~Sys() = default;
  virtual int open(const char *path, int flags, mode_t mode);
  virtual int openat(int dir, const char *name, int flags, mode_t mode);
  virtual int openat2(int dir, const char *path, const struct open_how *how);
  virtual int close(int fd);
  virtual ssize_t read(int fd, void *buffer, size_t size);
  virtual ssize_t pread(int fd, void *buffer, size_t size, off_t offset);
  virtual ssize_t write(int fd, const void *buffer, size_t size);
  virtual ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset);
  virtual ssize_t sendfile(int out, int in, off_t *offset, size_t size);
  virtual ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t size);
  virtual int ficlone(int out, int in);
  virtual off_t lseek(int fd, off_t offset, int whence);
  virtual int ftruncate(int fd, off_t size);
  virtual int fallocate(int fd, int mode, off_t offset, off_t size);
  virtual int fstat(int fd, struct stat *st);
  virtual int fstatat(int dir, const char *name, struct stat *st, int flags);
  virtual int fstatx(int fd, unsigned mask, struct statx *st);
  virtual int fchown(int fd, uid_t uid, gid_t gid);
  virtual int fchownat(int dir, const char *name, uid_t uid, gid_t gid, int flags);
  virtual int fchmod(int fd, mode_t mode);
  virtual int futimens(int fd, const struct timespec times[2]);
  virtual int utimensat(int dir, const char *name, const struct timespec times[2], int flags);
  virtual ssize_t flistxattr(int fd, char *list, size_t size);
  virtual ssize_t fgetxattr(int fd, const char *name, void *value, size_t size);
  virtual int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags);
  virtual int fremovexattr(int fd, const char *name);
  virtual int fsync(int fd);
  virtual int fdatasync(int fd);
  virtual int syncfs(int fd);
  virtual int sync_file_range(int fd, off_t offset, off_t size, unsigned flags);
  virtual int fadvise(int fd, off_t offset, off_t size, int advice);
  virtual int setfl(int fd, int flags);
  // Signals about an open file go to the calling thread (F_SETOWN_EX), as long as it lives.
  virtual int setowner(int fd);
  virtual int setlease(int fd, int type);
  virtual int getlease(int fd);
  virtual int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
  virtual int symlinkat(const char *target, int dir, const char *name);
  virtual ssize_t readlinkat(int dir, const char *name, char *buffer, size_t size);
  virtual int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
  virtual int unlinkat(int dir, const char *name, int flags);
  virtual int mkdirat(int dir, const char *name, mode_t mode);
  virtual ssize_t getdents64(int fd, void *buffer, size_t size);
  virtual int fstatfs(int fd, struct statfs *st);
  virtual int fstatvfs(int fd, struct statvfs *st);
};

}  // namespace susten
