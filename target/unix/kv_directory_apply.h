/* kv_directory_apply.h - makes a batch durable: all of it or nothing, whenever the process or the
 * machine stops.
 *
 *      1. Every new value is written to `.loom-kv/new-N`, and made durable. A file that is renamed
 *         gets a second name there (a hard link).
 *      2. The plan is written to `.loom-kv/journal`. From here on the batch will be done.
 *      3. Keys that are gone are unlinked, the others renamed into their places.
 *      4. The journal is unlinked.
 *
 * Whoever finds a journal does 3 and 4 again; each step of 3 can be done twice. A batch that comes
 * to one change is one rename or one unlink by itself and needs no journal.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIRECTORY_APPLY_H
#define LOOM_KV_DIRECTORY_APPLY_H

#include "target/unix/kv_directory.h"

/* How long a journal can be. */
#define KV_JOURNAL_BYTES ((size_t)(KV_BATCH_MAX * 2) * (KV_KEY_MAX + 8) + 64)

/* Without changes it only finishes and clears away what an earlier run has left. */
enum result kv_directory_batch(struct kv_directory *directory, const struct kv_change changes[],
                               size_t count) CHECKED;

#endif
