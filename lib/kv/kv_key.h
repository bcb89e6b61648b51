/* kv_key.h - what stores need to know of keys among themselves.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_KEY_H
#define LOOM_KV_KEY_H

#include "base/view.h"

/* Whether the key begins with all segments of the prefix: "posts/a" and "posts" with "posts", and
 * every key with an empty prefix. */
static inline bool kv_key_begins_with(struct view key, struct view prefix)
{
    if (view_is_empty(prefix)) return true;
    return view_starts_with(key, prefix) &&
           (key.length_bytes == prefix.length_bytes || view_byte(key, prefix.length_bytes) == '/');
}

#endif
