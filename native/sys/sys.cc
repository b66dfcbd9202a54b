#include "sys/sys.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

namespace susten {

int Sys::open(const char *path, int flags, mode_t mode) { return ::open(path, flags, mode); }
int Sys::openat(int dir, const char *name, int flags, mode_t mode) { return ::openat(dir, name, flags, mode); }
int Sys::openat2(int dir, const char *path, const struct open_how *how) {
  return static_cast<int>(::syscall(SYS_openat2, dir, path, how, sizeof *how));
}
int Sys::close(int fd) { return ::close(fd); }
ssize_t Sys::read(int fd, void *buffer, size_t size) { return ::read(fd, buffer, size); }
ssize_t Sys::pread(int fd, void *buffer, size_t size, off_t offset) { return ::pread(fd, buffer, size, offset); }
ssize_t Sys::write(int fd, const void *buffer, size_t size) { return ::write(fd, buffer, size); }
ssize_t Sys::pwrite(int fd, const void *buffer, size_t size, off_t offset) {
  return ::pwrite(fd, buffer, size, offset);
}
ssize_t Sys::sendfile(int out, int in, off_t *offset, size_t size) { return ::sendfile(out, in, offset, size); }
ssize_t Sys::copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t size) {
  return ::copy_file_range(in, in_offset, out, out_offset, size, 0);
}
int Sys::ficlone(int out, int in) { return ::ioctl(out, FICLONE, in); }
off_t Sys::lseek(int fd, off_t offset, int whence) { return ::lseek(fd, offset, whence); }
int Sys::ftruncate(int fd, off_t size) { return ::ftruncate(fd, size); }
int Sys::fallocate(int fd, int mode, off_t offset, off_t size) { return ::fallocate(fd, mode, offset, size); }
int Sys::fstat(int fd, struct stat *st) { return ::fstat(fd, st); }
int Sys::fstatat(int dir, const char *name, struct stat *st, int flags) { return ::fstatat(dir, name, st, flags); }
int Sys::fstatx(int fd, unsigned mask, struct statx *st) { return ::statx(fd, "", AT_EMPTY_PATH, mask, st); }
int Sys::fchown(int fd, uid_t uid, gid_t gid) { return ::fchown(fd, uid, gid); }
int Sys::fchownat(int dir, const char *name, uid_t uid, gid_t gid, int flags) {
  return ::fchownat(dir, name, uid, gid, flags);
}
int Sys::fchmod(int fd, mode_t mode) { return ::fchmod(fd, mode); }
int Sys::futimens(int fd, const struct timespec times[2]) { return ::futimens(fd, times); }
int Sys::utimensat(int dir, const char *name, const struct timespec times[2], int flags) {
  return ::utimensat(dir, name, times, flags);
}
ssize_t Sys::flistxattr(int fd, char *list, size_t size) { return ::flistxattr(fd, list, size); }
ssize_t Sys::fgetxattr(int fd, const char *name, void *value, size_t size) {
  return ::fgetxattr(fd, name, value, size);
}
int Sys::fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) {
  return ::fsetxattr(fd, name, value, size, flags);
}
int Sys::fremovexattr(int fd, const char *name) { return ::fremovexattr(fd, name); }
int Sys::fsync(int fd) { return ::fsync(fd); }
int Sys::fdatasync(int fd) { return ::fdatasync(fd); }
int Sys::syncfs(int fd) { return ::syncfs(fd); }
int Sys::sync_file_range(int fd, off_t offset, off_t size, unsigned flags) {
  return ::sync_file_range(fd, offset, size, flags);
}
int Sys::fadvise(int fd, off_t offset, off_t size, int advice) {
  const int error = ::posix_fadvise(fd, offset, size, advice);
  if (error == 0) return 0;
  errno = error;
  return -1;
}
int Sys::setfl(int fd, int flags) { return ::fcntl(fd, F_SETFL, flags); }
int Sys::setowner(int fd) {
  const struct f_owner_ex owner { .type = F_OWNER_TID, .pid = static_cast<pid_t>(::syscall(SYS_gettid)) };
  return ::fcntl(fd, F_SETOWN_EX, &owner);
}
int Sys::setlease(int fd, int type) { return ::fcntl(fd, F_SETLEASE, type); }
int Sys::getlease(int fd) { return ::fcntl(fd, F_GETLEASE); }
int Sys::linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
  return ::linkat(from_dir, from, to_dir, to, flags);
}
int Sys::symlinkat(const char *target, int dir, const char *name) { return ::symlinkat(target, dir, name); }
ssize_t Sys::readlinkat(int dir, const char *name, char *buffer, size_t size) {
  return ::readlinkat(dir, name, buffer, size);
}
int Sys::renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  return ::renameat2(from_dir, from, to_dir, to, flags);
}
int Sys::unlinkat(int dir, const char *name, int flags) { return ::unlinkat(dir, name, flags); }
int Sys::mkdirat(int dir, const char *name, mode_t mode) { return ::mkdirat(dir, name, mode); }
ssize_t Sys::getdents64(int fd, void *buffer, size_t size) { return ::syscall(SYS_getdents64, fd, buffer, size); }
int Sys::fstatfs(int fd, struct statfs *st) { return ::fstatfs(fd, st); }
int Sys::fstatvfs(int fd, struct statvfs *st) { return ::fstatvfs(fd, st); }

}  // namespace susten
