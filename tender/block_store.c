/* block_store.c - opening the file that is a machine's disk.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/block_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "target/machine/virtqueue.h"
#include "target/memory.h"
#include "target/unix/block_file_disk.h"
#include "tender/fail.h"

#define PATH_BYTES_MAX 512

#define BOUNCE_BYTES ((size_t)(256 * KIB))

/* Where the host does not say what it wants: no disk or file system wants more. */
#define DIRECT_BYTES 4096u

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
    store->block_bytes = MAX(MAX(size.sector_bytes, store->direct_bytes),
                             VIRTIO_BLOCK_SECTOR_BYTES);
    store->sector_count = size.bytes / store->block_bytes *
                          (store->block_bytes / VIRTIO_BLOCK_SECTOR_BYTES);
    if (store->sector_count > 0) return OK;
    tender_say("%s has not one block of %u bytes: `truncate -s 64M %s`", path, store->block_bytes,
               path);
    return INVALID;
}

/* ---- without the host's cache ---- */

static enum result no_direct(const char *path)
{
    tender_say("%s cannot be read and written without the host's cache, on the file system that it "
               "is on: leave `,direct` out",
               path);
    return UNSUPPORTED;
}

static bool is_sound(uint32_t alignment_bytes)
{
    return alignment_bytes > 0 && (alignment_bytes & (alignment_bytes - 1)) == 0 &&
           alignment_bytes <= BOUNCE_BYTES;
}

/* statx(2), STATX_DIOALIGN: Linux has it from 6.1 on, and not for each file system. */
static enum result learn_alignment(struct block_store *store, const char *path)
{
    struct statx status = { .stx_mask = 0 };
    bool is_told = statx(store->descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
                   (status.stx_mask & STATX_DIOALIGN) != 0;
    if (is_told && status.stx_dio_offset_align == 0) return no_direct(path);
    store->direct_bytes = is_told ? status.stx_dio_offset_align : DIRECT_BYTES;
    store->direct_memory_bytes = is_told ? status.stx_dio_mem_align : DIRECT_BYTES;
    return is_sound(store->direct_bytes) && is_sound(store->direct_memory_bytes) ? OK
                                                                                 : no_direct(path);
}

/* Memory that is taken begins at a page, and so at a multiple of what any disk wants. */
static enum result go_direct(struct block_store *store, const char *path)
{
    int flags = fcntl(store->descriptor, F_GETFL);
    enum result result = learn_alignment(store, path);
    if (result != OK) return result;
    if (flags < 0 || fcntl(store->descriptor, F_SETFL, flags | O_DIRECT) != 0)
        return no_direct(path);
    if (memory_take(BOUNCE_BYTES, &store->bounce) != OK) return FAILED;
    return (uintptr_t)store->bounce.bytes % store->direct_memory_bytes == 0 ? OK : no_direct(path);
}

/* ---- opening ---- */

/* A path of a device that waits for something must not keep the tender waiting. */
enum result block_store_open(struct block_store *store, struct view path, bool read_only,
                             enum block_store_way way)
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
    if (result == OK && way == BLOCK_DIRECT) result = go_direct(store, name);
    if (result == OK) result = measure(store, name);
    if (result != OK) block_store_close(store);
    return result;
}

void block_store_close(struct block_store *store)
{
    (void)close(store->descriptor);
    if (store->bounce.length_bytes > 0) memory_give_back(store->bounce);
    *store = (struct block_store){ .descriptor = -1 };
}
