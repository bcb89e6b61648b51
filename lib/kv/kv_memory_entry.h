/* kv_memory_entry.h - the parts that kv_memory is made of: keys and values that count their users,
 * and entries that join them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_MEMORY_ENTRY_H
#define LOOM_KV_MEMORY_ENTRY_H

#include "kv/kv_memory.h"

struct kv_memory_key {
    uint32_t user_count;
    uint32_t length_bytes;
    uint8_t bytes[];
};

struct kv_memory_value {
    uint64_t user_count;
    uint64_t modified_ns;
    size_t length_bytes;
    struct kv_digest digest;
    bool has_digest; /* worked out when it is first opened */
    uint8_t bytes[];
};

struct kv_memory_entry {
    struct table_node node;
    struct kv_memory_order_node order;
    struct kv_memory_key *key;
    struct kv_memory_value *value;
    struct kv_memory_entry *next_free;
};

/* NULL: no memory. What is made has one user. */
struct kv_memory_key *kv_memory_key_make(struct kv_memory *memory, struct view bytes);
struct kv_memory_value *kv_memory_value_make(struct kv_memory *memory, struct view bytes);

static inline struct view kv_memory_key_view(const struct kv_memory_key *key)
{
    return view_from(key->bytes, key->length_bytes);
}

static inline struct view kv_memory_value_view(const struct kv_memory_value *value)
{
    return view_from(value->bytes, value->length_bytes);
}

/* One user less; the last one gives the memory back. NULL is ignored. */
void kv_memory_key_drop(struct kv_memory *memory, struct kv_memory_key *key);
void kv_memory_value_drop(struct kv_memory *memory, struct kv_memory_value *value);

/* The entry of a key; NULL: there is none. */
struct kv_memory_entry *kv_memory_entry_find(const struct kv_memory *memory, struct view key);

/* NULL: the store has as many entries as it may. The entry is not linked yet. */
struct kv_memory_entry *kv_memory_entry_take(struct kv_memory *memory);

/* Drops its key and its value, too. It must not be linked. NULL is ignored. */
void kv_memory_entry_give_back(struct kv_memory *memory, struct kv_memory_entry *entry);

/* Makes the store know the entry under its key, and no longer know it. */
void kv_memory_entry_link(struct kv_memory *memory, struct kv_memory_entry *entry);
void kv_memory_entry_unlink(struct kv_memory *memory, struct kv_memory_entry *entry);

/* What a batch takes of an empty store at least. */
size_t kv_memory_batch_cost(const struct kv_change changes[], size_t count);

#endif
