/* kv_store.h - what the implementations share: prefixes of keys, and reading what is in memory.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_STORE_H
#define LOOM_KV_STORE_H

#include "base/units.h"
#include "base/view.h"
#include "kv/kv.h"

/* Whether the key begins with all segments of the prefix: "posts/a" and "posts" with "posts", and
 * every key with an empty prefix. */
static inline bool kv_key_begins_with(struct view key, struct view prefix)
{
    if (view_is_empty(prefix)) return true;
    return view_starts_with(key, prefix) &&
           (key.length_bytes == prefix.length_bytes || view_byte(key, prefix.length_bytes) == '/');
}

/* kv_read of a value whose bytes are all in memory. */
static inline enum result kv_store_read(const struct kv_value *value, uint64_t offset_bytes,
                                        struct span room, size_t *length_bytes)
{
    struct view rest = view_from_offset(value->bytes, (size_t)offset_bytes);
    *length_bytes = MIN(rest.length_bytes, room.length_bytes);
    (void)span_copy(room, view_first(rest, *length_bytes));
    return OK;
}

#endif
