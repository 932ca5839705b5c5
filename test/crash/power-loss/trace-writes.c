/*
 * Notes every call that changes files below LIORAN_TRACE_BASE in the file LIORAN_TRACE_LOG, with its data: loaded into a
 * process with LD_PRELOAD (Linux, 64 bits). What the records mean is described in trace.ts, which reads them.
 *
 * A call is noted twice, before it begins and after it has ended, each time by one write to a file that all processes
 * append to. So the order in the log is one that all threads and processes agree on, and no lock changes what
 * runs beside what.
 *
 * The calls go to the kernel directly: nothing else of the C library is needed, and nothing can be looked up too early.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, WRITE_SYNCED, TRUNCATE, FLUSH, RENAME, UNLINK, MKDIR, RMDIR, MAP_WRITABLE, ALLOCATE };
enum { BEGIN = 'B', END = 'E' };

struct record {
	uint32_t bytes; /* of the record with what follows it */
	uint8_t kind, call;
	uint16_t unused;
	uint32_t pid, number;
	int64_t at, result;
	uint16_t path_bytes, path2_bytes;
	uint32_t data_bytes;
};

#define FILES 65536
/* By descriptor. The name goes with a file, not with a number: libuv closes files without the C library. */
static struct { char *path; int flags; dev_t device; ino_t inode; } files[FILES];
static char base[PATH_MAX];
static size_t base_bytes;
static int log_fd = -1;
static atomic_uint next_number;

__attribute__((constructor)) static void begin(void) {
	const char *folder = getenv("LIORAN_TRACE_BASE"), *log = getenv("LIORAN_TRACE_LOG");
	if (!folder || !log || strlen(folder) >= sizeof base) return;
	strcpy(base, folder);
	base_bytes = strlen(base);
	log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_ours(const char *path) {
	return log_fd >= 0 && path && !strncmp(path, base, base_bytes) &&
		(path[base_bytes] == '/' || !path[base_bytes]);
}

static void append(struct iovec *parts, int n) {
	size_t bytes = 0;
	for (int i = 0; i < n; i++) bytes += parts[i].iov_len;
	if (syscall(SYS_writev, log_fd, parts, n) != (long)bytes) {
		fprintf(stderr, "trace-writes: the log cannot be written\n");
		abort();
	}
}

static uint32_t note_begin(int call, const char *path, const char *path2, int64_t at, const struct iovec *data, int n) {
	struct record r = { 0 };
	struct iovec parts[3 + n];
	r.kind = BEGIN, r.call = call, r.pid = getpid(), r.number = atomic_fetch_add(&next_number, 1), r.at = at;
	r.path_bytes = strlen(path), r.path2_bytes = path2 ? strlen(path2) : 0;
	for (int i = 0; i < n; i++) r.data_bytes += data[i].iov_len;
	r.bytes = sizeof r + r.path_bytes + r.path2_bytes + r.data_bytes;
	parts[0] = (struct iovec){ &r, sizeof r };
	parts[1] = (struct iovec){ (void *)path, r.path_bytes };
	parts[2] = (struct iovec){ (void *)path2, r.path2_bytes };
	for (int i = 0; i < n; i++) parts[3 + i] = data[i];
	append(parts, 3 + n);
	return r.number;
}

static long note_end(int call, uint32_t number, long result) {
	int error = errno;
	struct record r = { .bytes = sizeof r, .kind = END, .call = call, .pid = getpid(), .number = number, .result = result };
	struct iovec part = { &r, sizeof r };
	append(&part, 1);
	errno = error;
	return result;
}

#define NOTED(call, path, path2, at, work) \
	(is_ours(path) ? ({ uint32_t n = note_begin(call, path, path2, at, NULL, 0); note_end(call, n, work); }) : (work))

static const char *path_of(int fd) {
	struct stat s;
	if (fd < 0 || fd >= FILES || !files[fd].path) return NULL;
	int error = errno;
	int is_same = !fstat(fd, &s) && s.st_dev == files[fd].device && s.st_ino == files[fd].inode;
	errno = error;
	return is_same ? files[fd].path : NULL;
}

static int open_at(int folder, const char *path, int flags, int mode) {
	int is_changing = (flags & (O_CREAT | O_TRUNC)) && is_ours(path);
	uint32_t n = is_changing ? note_begin(OPEN, path, NULL, flags, NULL, 0) : 0;
	int fd = syscall(SYS_openat, folder, path, flags, mode);
	if (is_changing) note_end(OPEN, n, fd);
	struct stat s;
	if (fd >= 0 && fd < FILES && is_ours(path) && !fstat(fd, &s)) {
		files[fd].flags = flags, files[fd].device = s.st_dev, files[fd].inode = s.st_ino;
		files[fd].path = strdup(path);
	}
	return fd;
}

static int mode_of(int flags, va_list rest) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, int) : 0; }

#define OPENS(name) int name(const char *path, int flags, ...) { \
	va_list rest; va_start(rest, flags); int mode = mode_of(flags, rest); va_end(rest); \
	return open_at(AT_FDCWD, path, flags, mode); }
#define OPENS_AT(name) int name(int folder, const char *path, int flags, ...) { \
	va_list rest; va_start(rest, flags); int mode = mode_of(flags, rest); va_end(rest); \
	return open_at(folder, path, flags, mode); }
OPENS(open) OPENS(open64) OPENS_AT(openat) OPENS_AT(openat64)
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static ssize_t write_parts(int fd, const struct iovec *parts, int n, off_t at, int is_positioned) {
	const char *path = path_of(fd);
	long result;
	uint32_t number = 0;
	int call = path && files[fd].flags & (O_DSYNC | O_SYNC) ? WRITE_SYNCED : WRITE;
	if (path) {
		struct stat s;
		off_t where = is_positioned ? at : syscall(SYS_lseek, fd, 0, SEEK_CUR);
		if (files[fd].flags & O_APPEND && !fstat(fd, &s)) where = s.st_size;
		number = note_begin(call, path, NULL, where, parts, n);
	}
	if (is_positioned) result = syscall(SYS_pwritev, fd, parts, n, (long)at, (long)0);
	else result = syscall(SYS_writev, fd, parts, n);
	return path ? note_end(call, number, result) : result;
}

ssize_t write(int fd, const void *data, size_t bytes) {
	struct iovec part = { (void *)data, bytes };
	return path_of(fd) ? write_parts(fd, &part, 1, 0, 0) : syscall(SYS_write, fd, data, bytes);
}
ssize_t writev(int fd, const struct iovec *parts, int n) { return write_parts(fd, parts, n, 0, 0); }
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) { return write_parts(fd, parts, n, at, 1); }
ssize_t pwritev64(int fd, const struct iovec *parts, int n, off_t at) { return write_parts(fd, parts, n, at, 1); }
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) {
	struct iovec part = { (void *)data, bytes };
	return write_parts(fd, &part, 1, at, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t at) { return pwrite(fd, data, bytes, at); }

int ftruncate(int fd, off_t bytes) { return NOTED(TRUNCATE, path_of(fd), NULL, bytes, syscall(SYS_ftruncate, fd, bytes)); }
int ftruncate64(int fd, off_t bytes) { return ftruncate(fd, bytes); }
int truncate(const char *path, off_t bytes) { return NOTED(TRUNCATE, path, NULL, bytes, syscall(SYS_truncate, path, bytes)); }
int truncate64(const char *path, off_t bytes) { return truncate(path, bytes); }
int fallocate(int fd, int mode, off_t at, off_t bytes) {
	return NOTED(ALLOCATE, path_of(fd), NULL, mode ? -1 : at + bytes, syscall(SYS_fallocate, fd, mode, at, bytes));
}
int fallocate64(int fd, int mode, off_t at, off_t bytes) { return fallocate(fd, mode, at, bytes); }
int posix_fallocate(int fd, off_t at, off_t bytes) { return fallocate(fd, 0, at, bytes) ? errno : 0; }
int posix_fallocate64(int fd, off_t at, off_t bytes) { return posix_fallocate(fd, at, bytes); }

int fsync(int fd) { return NOTED(FLUSH, path_of(fd), NULL, 0, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { return NOTED(FLUSH, path_of(fd), NULL, 0, syscall(SYS_fdatasync, fd)); }

int rename(const char *from, const char *to) {
	return NOTED(RENAME, from, to, 0, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int unlink(const char *path) { return NOTED(UNLINK, path, NULL, 0, syscall(SYS_unlinkat, AT_FDCWD, path, 0)); }
int rmdir(const char *path) { return NOTED(RMDIR, path, NULL, 0, syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR)); }
int mkdir(const char *path, mode_t mode) { return NOTED(MKDIR, path, NULL, 0, syscall(SYS_mkdirat, AT_FDCWD, path, mode)); }

/* What is stored through a map cannot be seen; that there is one can. */
void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t at) {
	const char *path = path_of(fd);
	if (path && protection & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE) {
		uint32_t n = note_begin(MAP_WRITABLE, path, NULL, at, NULL, 0);
		note_end(MAP_WRITABLE, n, 0);
	}
	return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, at);
}
void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off_t at) {
	return mmap(address, bytes, protection, flags, fd, at);
}
