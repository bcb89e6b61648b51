/* kv_directory_digest.c - a table of digests in which the one that was not needed longest gives
 * way.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory_digest.h"

#include <errno.h>
#include <unistd.h>

#include "base/units.h"
#include "fiber/fiber.h"
#include "kv/digest.h"
#include "target/clock.h"
#include "target/entropy.h"
#include "target/memory.h"

/* Coarser than the clock of any file system. */
#define SETTLED_NS  (2 * S_NS)
#define TRIES_MAX   3
#define YIELD_BYTES MIB

struct identity {
    uint64_t device, inode, size_bytes, modified_ns, changed_ns;
};

struct kv_directory_digest {
    struct table_node node;
    struct list_node used;
    struct identity identity;
    struct kv_digest digest;
};

static uint64_t time_ns(struct timespec time)
{
    return (uint64_t)time.tv_sec * S_NS + (uint64_t)time.tv_nsec;
}

static struct identity identity_of(const struct stat *status)
{
    return (struct identity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size_bytes = (uint64_t)status->st_size,
        .modified_ns = time_ns(status->st_mtim),
        .changed_ns = time_ns(status->st_ctim),
    };
}

enum result kv_directory_digests_open(struct kv_directory_digests *digests, size_t count)
{
    size_t bucket_count = 1;
    while (bucket_count < count)
        bucket_count *= 2;
    size_t entries_bytes = count * sizeof(struct kv_directory_digest);
    digests->count = count;
    digests->touched_count = 0;
    digests->hit_count = digests->miss_count = 0;
    list_init(&digests->used);
    enum result result = memory_take(entries_bytes + bucket_count * sizeof(struct table_node *),
                                     &digests->memory);
    if (result != OK) return result;
    digests->entries = (struct kv_directory_digest *)(void *)digests->memory.bytes;
    struct span buckets = span_from_offset(digests->memory, entries_bytes);
    table_init(&digests->table, (struct table_node **)(void *)buckets.bytes, bucket_count,
               entropy_hash_key());
    return OK;
}

void kv_directory_digests_close(struct kv_directory_digests *digests)
{
    memory_give_back(digests->memory);
    digests->memory = (struct span){ 0 };
}

static struct kv_directory_digest *find(struct kv_directory_digests *digests,
                                        const struct identity *identity)
{
    uint64_t hash = table_hash(&digests->table, VIEW_OF(*identity));
    struct table_node *node = table_find(&digests->table, hash);
    for (; node != NULL; node = table_find_next(node)) {
        struct kv_directory_digest *entry = CONTAINER_OF(node, struct kv_directory_digest, node);
        if (view_equal(VIEW_OF(entry->identity), VIEW_OF(*identity))) return entry;
    }
    return NULL;
}

static struct kv_directory_digest *take_entry(struct kv_directory_digests *digests)
{
    if (digests->touched_count < digests->count) return &digests->entries[digests->touched_count++];
    struct kv_directory_digest *oldest = CONTAINER_OF(digests->used.head.prev,
                                                      struct kv_directory_digest, used);
    list_remove(&oldest->used);
    table_remove(&digests->table, &oldest->node);
    return oldest;
}

static void remember(struct kv_directory_digests *digests, const struct identity *identity,
                     const struct kv_digest *digest)
{
    uint64_t settled_ns = MAX(identity->modified_ns, identity->changed_ns) + SETTLED_NS;
    if (clock_wall_ns() < settled_ns || find(digests, identity) != NULL) return;
    struct kv_directory_digest *entry = take_entry(digests);
    entry->identity = *identity;
    entry->digest = *digest;
    table_insert(&digests->table, &entry->node, table_hash(&digests->table, VIEW_OF(*identity)));
    list_prepend(&digests->used, &entry->used);
}

/* The piece is used up before others run, so one is enough for all. */
static bool read_all(struct kv_directory_digests *digests, int fd, struct digest *digest)
{
    uint64_t offset_bytes = 0;
    for (;;) {
        ssize_t got = pread(fd, digests->piece, sizeof digests->piece, (off_t)offset_bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got == 0;
        digest_add(digest, view_from(digests->piece, (size_t)got));
        offset_bytes += (uint64_t)got;
        if (offset_bytes % YIELD_BYTES == 0 && fiber_current() != NULL) fiber_yield();
    }
}

/* Reads the file until it has stayed the same meanwhile; one that never does is taken as it is. */
static bool work_out(struct kv_directory_digests *digests, int fd, struct stat *status,
                     struct kv_digest *sum)
{
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        struct digest digest;
        struct identity before = identity_of(status);
        digest_begin(&digest);
        if (!read_all(digests, fd, &digest) || fstat(fd, status) != 0) return false;
        *sum = digest_end(&digest);
        struct identity after = identity_of(status);
        if (!view_equal(VIEW_OF(before), VIEW_OF(after))) continue;
        remember(digests, &after, sum);
        break;
    }
    return true;
}

bool kv_directory_digest_find(struct kv_directory_digests *digests, int fd, struct stat *status,
                              struct kv_digest *digest)
{
    struct identity identity = identity_of(status);
    struct kv_directory_digest *entry = find(digests, &identity);
    if (entry == NULL) {
        digests->miss_count++;
        return work_out(digests, fd, status, digest);
    }
    digests->hit_count++;
    list_remove(&entry->used);
    list_prepend(&digests->used, &entry->used);
    *digest = entry->digest;
    return true;
}
