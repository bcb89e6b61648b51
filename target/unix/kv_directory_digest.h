/* kv_directory_digest.h - SHA-256 of files, remembered as long as they do not change.
 *
 * A file is known again by device, inode, size and both of its times. One that was changed in the
 * last moment is not remembered yet, because a further change might not move its times.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIRECTORY_DIGEST_H
#define LOOM_KV_DIRECTORY_DIGEST_H

#include <sys/stat.h>

#include "base/list.h"
#include "base/table.h"
#include "kv/kv.h"

struct kv_directory_digest;

struct kv_directory_digests {
    struct span memory;
    struct table table;
    struct list used; /* the one that was needed last comes first */
    struct kv_directory_digest *entries;
    size_t count, touched_count;
    uint64_t hit_count, miss_count;
    uint8_t piece[64 * 1024];
};

/* FULL: the machine has no memory for so many. */
enum result kv_directory_digests_open(struct kv_directory_digests *digests, size_t count) CHECKED;
void kv_directory_digests_close(struct kv_directory_digests *digests);

/* Waits, so that others run while a large file is read. `*status` is that of the open file, and is
 * brought up to date when the file changes while it is read. False with errno: it cannot be read.
 */
bool kv_directory_digest_find(struct kv_directory_digests *digests, int fd, struct stat *status,
                              struct kv_digest *digest);

#endif
