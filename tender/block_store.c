/* block_store.c - opening the file that is a machine's disk.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tender/device_block.h"

#define PATH_BYTES_MAX 512

static enum result refuse(const char *path, const char *step)
{
    int error = errno;
    (void)fprintf(stderr, "loom-tender: cannot %s %s: %s\n", step, path, strerror(error));
    switch (error) {
    case ENOENT:
        (void)fprintf(stderr, "loom-tender: `truncate -s 64M %s` makes an empty disk\n", path);
        return NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return DENIED;
    default: return FAILED;
    }
}

/* Held by the open file, and gone with it, however the process ends; the unix target's disks take
 * the same. */
static enum result lock_file(const struct block_store *store, const char *path)
{
    struct flock lock = { .l_type = store->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(store->descriptor, F_OFD_SETLK, &lock) == 0) return OK;
    if (errno != EAGAIN && errno != EACCES) return refuse(path, "lock");
    (void)fprintf(stderr,
                  "loom-tender: %s is open in another process, and a disk that is written to has "
                  "one user: end it, or give this machine a copy\n",
                  path);
    return EXISTS;
}

static enum result measure(struct block_store *store, const char *path, uint64_t *size_bytes)
{
    struct stat status;
    int sector_bytes = 0;
    if (fstat(store->descriptor, &status) != 0) return refuse(path, "measure");
    store->block_bytes = VIRTIO_BLOCK_SECTOR_BYTES;
    *size_bytes = (uint64_t)status.st_size;
    if (S_ISREG(status.st_mode)) return OK;
    if (!S_ISBLK(status.st_mode)) {
        (void)fprintf(stderr, "loom-tender: %s is neither a file nor a block device\n", path);
        return INVALID;
    }
    if (ioctl(store->descriptor, BLKGETSIZE64, size_bytes) != 0 ||
        ioctl(store->descriptor, BLKSSZGET, &sector_bytes) != 0)
        return refuse(path, "measure");
    if (sector_bytes > (int)store->block_bytes) store->block_bytes = (uint32_t)sector_bytes;
    return OK;
}

static enum result prepare(struct block_store *store, const char *path)
{
    uint64_t size_bytes;
    enum result result = measure(store, path, &size_bytes);
    if (result == OK) result = lock_file(store, path);
    if (result != OK) return result;
    size_bytes -= size_bytes % store->block_bytes;
    store->sector_count = size_bytes / VIRTIO_BLOCK_SECTOR_BYTES;
    if (store->sector_count > 0) return OK;
    (void)fprintf(stderr, "loom-tender: %s has not one block of %u bytes: `truncate -s 64M %s`\n",
                  path, store->block_bytes, path);
    return INVALID;
}

/* A path of a device that waits for something must not keep the tender waiting. */
enum result block_store_open(struct block_store *store, struct view path, bool read_only)
{
    char name[PATH_BYTES_MAX] = { 0 };
    *store = (struct block_store){ .read_only = read_only };
    if (path.length_bytes >= sizeof name || view_find_byte(path, 0) < path.length_bytes) {
        (void)fprintf(stderr, "loom-tender: a disk's path has at most %zu bytes, and no NUL\n",
                      sizeof name - 1);
        return INVALID;
    }
    (void)span_copy(SPAN_OF(name), path);
    int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    store->descriptor = open(name, flags);
    if (store->descriptor < 0) return refuse(name, "open");
    enum result result = prepare(store, name);
    if (result != OK) (void)close(store->descriptor);
    return result;
}
