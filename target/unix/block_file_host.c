/* block_file_host.c - a file of the host, as a disk.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/block_file_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/units.h"
#include "target/memory.h"
#include "target/unix/block_file_disk.h"

#define LOG_MODULE "block"
#include "log/log.h"

#define PATH_BYTES_MAX 512
#define VECTORS_MAX    32 /* in one call, whose thread has a small stack */

/* ---- carrying out ---- */

static off_t offset_of(const struct block_file *file, const struct block_request *request)
{
    return (off_t)(request->device_block * file->block.block_bytes);
}

static off_t length_of(const struct block_file *file, const struct block_request *request)
{
    return (off_t)(request->block_count * file->block.block_bytes);
}

/* What is left when so many bytes have been moved: the first VECTORS_MAX parts of it. */
static int make_vectors(const struct block_request *request, size_t moved_bytes,
                        struct iovec vectors[VECTORS_MAX])
{
    int count = 0;
    for (size_t i = 0; i < request->part_count && count < VECTORS_MAX; i++) {
        struct span part = request->parts[i].into;
        size_t skipped = MIN(moved_bytes, part.length_bytes);
        moved_bytes -= skipped;
        part = span_from_offset(part, skipped);
        if (part.length_bytes > 0)
            vectors[count++] = (struct iovec){ part.bytes, part.length_bytes };
    }
    return count;
}

/* The host may move less than it was asked to. Nothing at all: the file has become shorter. */
static int move(const struct block_file *file, const struct block_request *request)
{
    struct iovec vectors[VECTORS_MAX];
    size_t length_bytes = (size_t)length_of(file, request);
    for (size_t moved_bytes = 0; moved_bytes < length_bytes;) {
        off_t offset = offset_of(file, request) + (off_t)moved_bytes;
        int count = make_vectors(request, moved_bytes, vectors);
        ssize_t moved = request->kind == BLOCK_READ
                            ? preadv(file->descriptor, vectors, count, offset)
                            : pwritev(file->descriptor, vectors, count, offset);
        if (moved < 0 && errno == EINTR) continue;
        if (moved < 0) return errno;
        if (moved == 0) return EIO;
        moved_bytes += (size_t)moved;
    }
    return 0;
}

static int flush(const struct block_file *file)
{
    int status;
    do {
        status = fdatasync(file->descriptor);
    } while (status < 0 && errno == EINTR);
    return status == 0 ? 0 : errno;
}

static bool cannot(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY || error == EINVAL;
}

/* A hole reads as zeros, and costs the host no room. */
static int discard(const struct block_file *file, const struct block_request *request)
{
    off_t offset = offset_of(file, request), length = length_of(file, request);
    uint64_t range[2] = { (uint64_t)offset, (uint64_t)length };
    if (length == 0) return 0;
    int status = file->is_device
                     ? ioctl(file->descriptor, BLKDISCARD, range)
                     : fallocate(file->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 offset, length);
    return status == 0 || cannot(errno) ? 0 : errno;
}

int block_file_host_carry_out(const struct block_file *file, const struct block_request *request)
{
    switch (request->kind) {
    case BLOCK_READ:
    case BLOCK_WRITE: return move(file, request);
    case BLOCK_FLUSH: return flush(file);
    case BLOCK_DISCARD: return discard(file, request);
    }
    return EINVAL;
}

int block_file_host_read_quickly(const struct block_file *file, const struct block_request *request)
{
    struct iovec vectors[VECTORS_MAX];
    if (request->part_count > VECTORS_MAX) return EAGAIN;
    int count = make_vectors(request, 0, vectors);
    ssize_t moved = preadv2(file->descriptor, vectors, count, offset_of(file, request), RWF_NOWAIT);
    if (moved < 0) return errno;
    return moved == length_of(file, request) ? 0 : EAGAIN;
}

/* ---- opening ---- */

static enum result refuse(const char *path, const char *step, int error)
{
    log_error("cannot %s %s: %s", step, path, strerror(error));
    switch (error) {
    case ENOENT:
        log_error("--block-create=64MiB makes a disk of that size where there is none");
        return NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return DENIED;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return FULL;
    default: return FAILED;
    }
}

/* "a/b" makes "a", "/b" makes "/", and "b" is in ".". Cuts the path, and mends it again. */
static int open_folder_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL) return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slash == path) return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *slash = '\0';
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *slash = '/';
    return descriptor;
}

/* So that the file's name lasts too. */
static int sync_folder_of(char *path)
{
    int descriptor = open_folder_of(path);
    if (descriptor < 0) return errno;
    int error = fsync(descriptor) == 0 ? 0 : errno;
    (void)close(descriptor);
    return error;
}

/* An empty file counts as none: it may be one whose making was cut short. */
static int create(const struct block_file *file, char *path, uint64_t create_bytes)
{
    struct stat status;
    if (fstat(file->descriptor, &status) != 0) return errno;
    if (!S_ISREG(status.st_mode) || status.st_size != 0) return 0;
    if (ftruncate(file->descriptor, (off_t)create_bytes) != 0 || fsync(file->descriptor) != 0)
        return errno;
    return sync_folder_of(path);
}

static enum result open_path(struct block_file *file, const char *path,
                             const struct block_file_parameters *parameters)
{
    int flags = (parameters->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    if (parameters->direct) flags |= O_DIRECT;
    if (parameters->create_bytes > 0 && !parameters->read_only) flags |= O_CREAT;
    file->descriptor = open(path, flags, 0600);
    if (file->descriptor < 0 && errno == EINVAL && parameters->direct) {
        log_error("%s: this file system reads and writes only through the host's cache: take "
                  "--block-direct out",
                  path);
        return UNSUPPORTED;
    }
    return file->descriptor < 0 ? refuse(path, "open", errno) : OK;
}

static enum result lock_file(const struct block_file *file, const char *path)
{
    enum result result = block_file_disk_lock(file->descriptor, file->block.read_only);
    if (result == FAILED) return refuse(path, "lock", errno);
    if (result == EXISTS)
        log_error("%s is open in another process; a disk that is written to has one user: end it, "
                  "or give this one a copy",
                  path);
    return result;
}

static enum result measure(struct block_file *file, const char *path, uint64_t *size_bytes)
{
    struct block_file_disk_size size;
    enum result result = block_file_disk_measure(file->descriptor, &size);
    if (result == FAILED) return refuse(path, "measure", errno);
    if (result == INVALID) {
        log_error("%s is neither a file nor a block device", path);
        return INVALID;
    }
    *size_bytes = size.bytes;
    file->is_device = size.sector_bytes != 0;
    if (size.sector_bytes <= file->block.block_bytes) return OK;
    log_error("%s has sectors of %u bytes: say --block-bytes=%u", path, size.sector_bytes,
              size.sector_bytes);
    return INVALID;
}

/* Without the host's cache both place and memory have to be aligned as its disk wants it; whether
 * a block's size is enough is found by trying. */
static enum result try_direct(const struct block_file *file, const char *path)
{
    struct span memory;
    enum result result = memory_take((size_t)2 * BLOCK_BYTES_MAX, &memory);
    if (result != OK) return result;
    struct span room = span_first(span_from_offset(memory, file->block.block_bytes),
                                  file->block.block_bytes);
    ssize_t length = pread(file->descriptor, room.bytes, room.length_bytes, 0);
    int error = errno;
    memory_give_back(memory);
    if (length >= 0) return OK;
    if (error != EINVAL) return refuse(path, "read", error);
    log_error("%s cannot be read past the host's cache in blocks of %u bytes: say "
              "--block-bytes=4096, or take --block-direct out",
              path, file->block.block_bytes);
    return INVALID;
}

static enum result take_size(struct block_file *file, const char *path)
{
    uint64_t size_bytes = 0;
    enum result result = measure(file, path, &size_bytes);
    if (result != OK) return result;
    file->block.block_count = size_bytes / file->block.block_bytes;
    if (file->block.block_count == 0) {
        log_error("%s has %llu bytes, less than one block of %u", path,
                  (unsigned long long)size_bytes, file->block.block_bytes);
        return INVALID;
    }
    if (size_bytes % file->block.block_bytes != 0)
        log_warning("%s: its last %u bytes are no whole block, and are left alone", path,
                    (unsigned)(size_bytes % file->block.block_bytes));
    return OK;
}

static enum result prepare(struct block_file *file, char *path,
                           const struct block_file_parameters *parameters)
{
    enum result result = lock_file(file, path);
    int error = 0;
    if (result == OK && parameters->create_bytes > 0 && !parameters->read_only)
        error = create(file, path, parameters->create_bytes);
    if (error != 0) result = refuse(path, "make", error);
    if (result == OK) result = take_size(file, path);
    if (result == OK && parameters->direct) result = try_direct(file, path);
    return result;
}

enum result block_file_host_open(struct block_file *file,
                                 const struct block_file_parameters *parameters)
{
    char path[PATH_BYTES_MAX] = { 0 };
    if (parameters->path.length_bytes >= sizeof path ||
        view_find_byte(parameters->path, 0) < parameters->path.length_bytes) {
        log_error("a path of more than %zu bytes", sizeof path - 1);
        return INVALID;
    }
    (void)span_copy(SPAN_OF(path), parameters->path);
    file->block.block_bytes = (uint32_t)parameters->block_bytes;
    file->block.alignment_bytes = parameters->direct ? file->block.block_bytes : 1;
    file->block.read_only = parameters->read_only;
    file->has_quick_reads = !parameters->direct;
    enum result result = open_path(file, path, parameters);
    if (result == OK) result = prepare(file, path, parameters);
    if (result != OK && file->descriptor >= 0) (void)close(file->descriptor);
    return result;
}
