/* block_store.c - opening the file that is a machine's disk.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "target/unix/block_file_disk.h"
#include "tender/device_block.h"
#include "tender/fail.h"

#define PATH_BYTES_MAX 512

static enum result refuse(const char *path, const char *step)
{
    int error = errno;
    tender_say("cannot %s %s: %s", step, path, strerror(error));
    switch (error) {
    case ENOENT: tender_say("`truncate -s 64M %s` makes an empty disk", path); return NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return DENIED;
    default: return FAILED;
    }
}

static enum result lock_file(const struct block_store *store, const char *path)
{
    enum result result = block_file_disk_lock(store->descriptor, store->read_only);
    if (result == FAILED) return refuse(path, "lock");
    if (result == EXISTS)
        tender_say("%s is open in another process, and a disk that is written to has one user: "
                   "end it, or give this machine a copy",
                   path);
    return result;
}

static enum result measure(struct block_store *store, const char *path)
{
    struct block_file_disk_size size;
    enum result result = block_file_disk_measure(store->descriptor, &size);
    if (result == FAILED) return refuse(path, "measure");
    if (result == INVALID) {
        tender_say("%s is neither a file nor a block device", path);
        return INVALID;
    }
    store->block_bytes = MAX(size.sector_bytes, VIRTIO_BLOCK_SECTOR_BYTES);
    store->sector_count = size.bytes / store->block_bytes *
                          (store->block_bytes / VIRTIO_BLOCK_SECTOR_BYTES);
    if (store->sector_count > 0) return OK;
    tender_say("%s has not one block of %u bytes: `truncate -s 64M %s`", path, store->block_bytes,
               path);
    return INVALID;
}

/* A path of a device that waits for something must not keep the tender waiting. */
enum result block_store_open(struct block_store *store, struct view path, bool read_only)
{
    char name[PATH_BYTES_MAX] = { 0 };
    *store = (struct block_store){ .read_only = read_only };
    if (path.length_bytes >= sizeof name || view_find_byte(path, 0) < path.length_bytes) {
        tender_say("a disk's path has at most %zu bytes, and no NUL", sizeof name - 1);
        return INVALID;
    }
    (void)span_copy(SPAN_OF(name), path);
    int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    store->descriptor = open(name, flags);
    if (store->descriptor < 0) return refuse(name, "open");
    enum result result = lock_file(store, name);
    if (result == OK) result = measure(store, name);
    if (result != OK) (void)close(store->descriptor);
    return result;
}
