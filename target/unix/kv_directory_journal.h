/* kv_directory_journal.h - the plan of a batch as a file.
 *
 *      "LOOMKV1\n" | count u32 | entries ...                            | SHA-256 of all before it
 *                                each: gone? u8 | key length u16 | key
 *
 * Integers are little-endian. The N-th entry's value, if it is not gone, stands in `new-N`.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIRECTORY_JOURNAL_H
#define LOOM_KV_DIRECTORY_JOURNAL_H

#include "target/unix/kv_directory_plan.h"

/* When it returns true the journal, and what else is in the stage, is durable. False with errno:
 * there is none. `room` is for its bytes. */
bool kv_directory_journal_write(struct kv_host *host, const struct kv_directory_plan *plan,
                                struct span room);

/* The plan's keys are views into `room`. NOT_FOUND: there is no journal. FAILED: it is not one of
 * ours, or cannot be read; the log tells. */
enum result kv_directory_journal_read(struct kv_host *host, struct kv_directory_plan *plan,
                                      struct span room) CHECKED;

/* False with errno. There may be none. */
bool kv_directory_journal_remove(struct kv_host *host);

#endif
