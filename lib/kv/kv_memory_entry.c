/* kv_memory_entry.c - making, sharing and giving back keys, values and entries.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_memory_entry.h"

#include "base/units.h"
#include "target/clock.h"

static size_t key_bytes(size_t length_bytes)
{
    return sizeof(struct kv_memory_key) + length_bytes;
}

static size_t value_bytes(size_t length_bytes)
{
    return sizeof(struct kv_memory_value) + length_bytes;
}

struct kv_memory_key *kv_memory_key_make(struct kv_memory *memory, struct view bytes)
{
    struct kv_memory_key *key = kv_memory_arena_take(&memory->arena, key_bytes(bytes.length_bytes));
    if (key == NULL) return NULL;
    *key = (struct kv_memory_key){ .user_count = 1, .length_bytes = (uint32_t)bytes.length_bytes };
    (void)span_copy(span_from(key->bytes, bytes.length_bytes), bytes);
    return key;
}

/* Later than every one before, even when the clock was set back. */
static uint64_t next_modified_ns(struct kv_memory *memory)
{
    memory->modified_ns = MAX(memory->modified_ns + 1, clock_wall_ns());
    return memory->modified_ns;
}

struct kv_memory_value *kv_memory_value_make(struct kv_memory *memory, struct view bytes)
{
    struct kv_memory_value *value = kv_memory_arena_take(&memory->arena,
                                                         value_bytes(bytes.length_bytes));
    if (value == NULL) return NULL;
    *value = (struct kv_memory_value){
        .user_count = 1,
        .modified_ns = next_modified_ns(memory),
        .length_bytes = bytes.length_bytes,
    };
    (void)span_copy(span_from(value->bytes, bytes.length_bytes), bytes);
    return value;
}

void kv_memory_key_drop(struct kv_memory *memory, struct kv_memory_key *key)
{
    if (key == NULL || --key->user_count > 0) return;
    kv_memory_arena_give_back(&memory->arena, key);
}

void kv_memory_value_drop(struct kv_memory *memory, struct kv_memory_value *value)
{
    if (value == NULL || --value->user_count > 0) return;
    kv_memory_arena_give_back(&memory->arena, value);
}

struct kv_memory_entry *kv_memory_entry_find(const struct kv_memory *memory, struct view key)
{
    struct table_node *node = table_find(&memory->table, table_hash(&memory->table, key));
    for (; node != NULL; node = table_find_next(node)) {
        struct kv_memory_entry *entry = CONTAINER_OF(node, struct kv_memory_entry, node);
        if (view_equal(kv_memory_key_view(entry->key), key)) return entry;
    }
    return NULL;
}

/* One that was never used is zero, as the memory came. */
static struct kv_memory_entry *touch_entry(struct kv_memory *memory)
{
    assert_that(memory->touched_count, <, memory->entry_limit + KV_BATCH_MAX);
    return &memory->entries[memory->touched_count++];
}

struct kv_memory_entry *kv_memory_entry_take(struct kv_memory *memory)
{
    if (memory->entry_count == memory->entry_limit) return NULL;
    struct kv_memory_entry *entry = memory->free_entries;
    if (entry == NULL) return touch_entry(memory);
    memory->free_entries = entry->next_free;
    *entry = (struct kv_memory_entry){ 0 };
    return entry;
}

void kv_memory_entry_give_back(struct kv_memory *memory, struct kv_memory_entry *entry)
{
    if (entry == NULL) return;
    kv_memory_key_drop(memory, entry->key);
    kv_memory_value_drop(memory, entry->value);
    entry->next_free = memory->free_entries;
    memory->free_entries = entry;
}

void kv_memory_entry_link(struct kv_memory *memory, struct kv_memory_entry *entry)
{
    struct view key = kv_memory_key_view(entry->key);
    uint64_t hash = table_hash(&memory->table, key);
    table_insert(&memory->table, &entry->node, hash);
    entry->order = (struct kv_memory_order_node){ .key = key, .priority = hash };
    kv_memory_order_insert(&memory->order, &entry->order);
    memory->entry_count++;
}

void kv_memory_entry_unlink(struct kv_memory *memory, struct kv_memory_entry *entry)
{
    table_remove(&memory->table, &entry->node);
    kv_memory_order_remove(&memory->order, &entry->order);
    memory->entry_count--;
}

/* All of its values, which are there at once before the batch is done; and one key. */
size_t kv_memory_batch_cost(const struct kv_change changes[], size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind != KV_SET) continue;
        if (sum == 0) sum = kv_memory_arena_cost(key_bytes(changes[i].key.length_bytes));
        sum += kv_memory_arena_cost(value_bytes(changes[i].value.length_bytes));
    }
    return sum;
}
