/* kv_memory.c - the signature over a table and an order of entries.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_memory.h"

#include "base/units.h"
#include "kv/digest.h"
#include "kv/kv_memory_entry.h"
#include "kv/kv_store.h"
#include "kv/media_type.h"
#include "target/entropy.h"
#include "target/memory.h"

#define BYTES_MIN   (64 * KIB)
#define BYTES_MAX   (GIB * 1024)
#define ENTRIES_MAX ((uint64_t)1 << 26)

const struct parameter kv_memory_parameters[] = {
    PARAMETER_BYTES(struct kv_memory_parameters, bytes, "kv-bytes", "16MiB", BYTES_MIN, BYTES_MAX,
                    "memory for keys and values"),
    PARAMETER_NUMBER(struct kv_memory_parameters, entries, "kv-entries", "16384", 1, ENTRIES_MAX,
                     "how many keys there may be"),
    PARAMETER_END,
};

static struct kv_memory *memory_of(struct kv *kv)
{
    return CONTAINER_OF(kv, struct kv_memory, kv);
}

/* ---- values ---- */

static enum result kv_memory_open_value(struct kv *kv, struct view key, struct kv_value *value)
{
    struct kv_memory *memory = memory_of(kv);
    struct kv_memory_entry *entry = kv_memory_entry_find(memory, key);
    if (entry == NULL) return NOT_FOUND;
    struct kv_memory_value *held = entry->value;
    if (!held->has_digest) {
        held->digest = digest_of(kv_memory_value_view(held));
        held->has_digest = true;
    }
    *value = (struct kv_value){
        .bytes = kv_memory_value_view(held),
        .size_bytes = held->length_bytes,
        .digest = held->digest,
        .modified_ns = held->modified_ns,
        .media_type = media_type_of(key),
        .handle = (uintptr_t)held - (uintptr_t)memory->arena.memory.bytes,
    };
    held->user_count++;
    memory->open_count++;
    return OK;
}

static enum result kv_memory_read(struct kv *kv, const struct kv_value *value,
                                  uint64_t offset_bytes, struct span room, size_t *length_bytes)
{
    (void)kv;
    return kv_store_read(value, offset_bytes, room, length_bytes);
}

static void kv_memory_release(struct kv *kv, struct kv_value *value)
{
    struct kv_memory *memory = memory_of(kv);
    assert_that(memory->open_count, >, 0);
    memory->open_count--;
    struct span held = span_from_offset(memory->arena.memory, (size_t)value->handle);
    kv_memory_value_drop(memory, (struct kv_memory_value *)(void *)held.bytes);
    *value = (struct kv_value){ 0 };
}

/* ---- listing ---- */

/* Whether to go on. The key stays while the visitor has it, whatever becomes of its entry. */
static bool visit(struct kv_memory *memory, struct kv_memory_key *key, size_t size_bytes,
                  struct kv_visitor *visitor, struct kv_memory_order_node **next)
{
    key->user_count++;
    bool go_on = visitor->visit(visitor, kv_memory_key_view(key), size_bytes);
    *next = go_on ? kv_memory_order_behind(&memory->order, kv_memory_key_view(key)) : NULL;
    kv_memory_key_drop(memory, key);
    return go_on;
}

static enum result kv_memory_list(struct kv *kv, struct view prefix, struct kv_visitor *visitor)
{
    struct kv_memory *memory = memory_of(kv);
    struct kv_memory_order_node *node = kv_memory_order_from(&memory->order, prefix);
    while (node != NULL && view_starts_with(node->key, prefix)) {
        struct kv_memory_entry *entry = CONTAINER_OF(node, struct kv_memory_entry, order);
        if (!kv_key_begins_with(node->key, prefix)) {
            node = kv_memory_order_behind(&memory->order, node->key);
            continue;
        }
        if (!visit(memory, entry->key, entry->value->length_bytes, visitor, &node)) break;
    }
    return OK;
}

/* ---- changes: each is made at once, and taken back if a later one fails ---- */

static enum result set_new(struct kv_memory *memory, struct view key, struct kv_memory_value *value,
                           struct kv_memory_undo *undo)
{
    struct kv_memory_entry *entry = kv_memory_entry_take(memory);
    if (entry == NULL) return FULL;
    entry->key = kv_memory_key_make(memory, key);
    if (entry->key == NULL) {
        kv_memory_entry_give_back(memory, entry);
        return FULL;
    }
    entry->value = value;
    kv_memory_entry_link(memory, entry);
    undo->entry = entry;
    return OK;
}

static enum result set(struct kv_memory *memory, const struct kv_change *change,
                       struct kv_memory_undo *undo)
{
    struct kv_memory_value *value = kv_memory_value_make(memory, change->value);
    if (value == NULL) return FULL;
    struct kv_memory_entry *entry = kv_memory_entry_find(memory, change->key);
    if (entry == NULL) {
        enum result result = set_new(memory, change->key, value, undo);
        if (result != OK) kv_memory_value_drop(memory, value);
        return result;
    }
    undo->entry = entry;
    undo->old_value = entry->value;
    entry->value = value;
    return OK;
}

static enum result remove_entry(struct kv_memory *memory, const struct kv_change *change,
                                struct kv_memory_undo *undo)
{
    struct kv_memory_entry *entry = kv_memory_entry_find(memory, change->key);
    if (entry == NULL) return NOT_FOUND;
    kv_memory_entry_unlink(memory, entry);
    undo->gone = entry;
    return OK;
}

static enum result rename_entry(struct kv_memory *memory, const struct kv_change *change,
                                struct kv_memory_undo *undo)
{
    struct kv_memory_entry *entry = kv_memory_entry_find(memory, change->key);
    if (entry == NULL) return NOT_FOUND;
    if (view_equal(change->key, change->new_key)) return OK;
    struct kv_memory_key *new_key = kv_memory_key_make(memory, change->new_key);
    if (new_key == NULL) return FULL;
    undo->gone = kv_memory_entry_find(memory, change->new_key);
    if (undo->gone != NULL) kv_memory_entry_unlink(memory, undo->gone);
    kv_memory_entry_unlink(memory, entry);
    undo->entry = entry;
    undo->old_key = entry->key;
    entry->key = new_key;
    kv_memory_entry_link(memory, entry);
    return OK;
}

static enum result apply_one(struct kv_memory *memory, const struct kv_change *change,
                             struct kv_memory_undo *undo)
{
    *undo = (struct kv_memory_undo){ 0 };
    switch (change->kind) {
    case KV_SET: return set(memory, change, undo);
    case KV_REMOVE: return remove_entry(memory, change, undo);
    case KV_RENAME: return rename_entry(memory, change, undo);
    }
    panic("%u is no kind of change", (unsigned)change->kind);
}

static void take_back(struct kv_memory *memory, struct kv_memory_undo *undo)
{
    struct kv_memory_entry *entry = undo->entry;
    if (undo->old_value != NULL) {
        kv_memory_value_drop(memory, entry->value);
        entry->value = undo->old_value;
    } else if (entry != NULL) {
        kv_memory_entry_unlink(memory, entry);
        if (undo->old_key != NULL) {
            kv_memory_key_drop(memory, entry->key);
            entry->key = undo->old_key;
            kv_memory_entry_link(memory, entry);
        } else {
            kv_memory_entry_give_back(memory, entry);
        }
    }
    if (undo->gone != NULL) kv_memory_entry_link(memory, undo->gone);
}

static void make_final(struct kv_memory *memory, struct kv_memory_undo *undo)
{
    kv_memory_value_drop(memory, undo->old_value);
    kv_memory_key_drop(memory, undo->old_key);
    kv_memory_entry_give_back(memory, undo->gone);
}

static enum result kv_memory_apply(struct kv *kv, const struct kv_change changes[], size_t count)
{
    struct kv_memory *memory = memory_of(kv);
    if (kv_memory_batch_cost(changes, count) > kv_memory_arena_capacity(&memory->arena)) {
        return TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        enum result result = apply_one(memory, &changes[i], &memory->undo[i]);
        if (result == OK) continue;
        while (i > 0)
            take_back(memory, &memory->undo[--i]);
        return result;
    }
    for (size_t i = 0; i < count; i++)
        make_final(memory, &memory->undo[i]);
    return OK;
}

/* ---- opening ---- */

static const struct kv_ops kv_memory_ops = KV_OPS(kv_memory);

static size_t power_of_two_from(uint64_t least)
{
    size_t power = 1;
    while (power < least)
        power *= 2;
    return power;
}

/* The memory: entries, buckets, arena; each a multiple of 16 bytes long. Entries that a batch
 * removes are kept until it is done, beside those that it adds. */
struct layout {
    size_t entries_bytes, bucket_count, buckets_bytes, arena_bytes;
};

static struct layout layout_of(const struct kv_memory_parameters *parameters)
{
    struct layout layout = {
        .entries_bytes = ((size_t)parameters->entries + KV_BATCH_MAX) *
                         sizeof(struct kv_memory_entry),
        .bucket_count = MAX(power_of_two_from(parameters->entries), 2),
        .arena_bytes = (size_t)parameters->bytes / 16 * 16,
    };
    layout.buckets_bytes = layout.bucket_count * sizeof(struct table_node *);
    return layout;
}

static_assert(sizeof(struct kv_memory_entry) * KV_BATCH_MAX % 16 == 0 &&
                  sizeof(struct kv_memory_entry) % 16 == 0,
              "what follows the entries is aligned");

static void lay_out(struct kv_memory *memory, const struct layout *layout)
{
    struct span rest = memory->memory;
    memory->entries = (struct kv_memory_entry *)(void *)rest.bytes;
    rest = span_from_offset(rest, layout->entries_bytes);
    table_init(&memory->table, (struct table_node **)(void *)rest.bytes, layout->bucket_count,
               entropy_hash_key());
    rest = span_from_offset(rest, layout->buckets_bytes);
    kv_memory_arena_init(&memory->arena, span_first(rest, layout->arena_bytes));
}

enum result kv_memory_open(struct kv_memory *memory, const struct kv_memory_parameters *parameters)
{
    struct layout layout = layout_of(parameters);
    span_fill(SPAN_OF(*memory), 0);
    memory->kv.ops = &kv_memory_ops;
    memory->entry_limit = (size_t)parameters->entries;
    enum result result = memory_take(
        layout.entries_bytes + layout.buckets_bytes + layout.arena_bytes, &memory->memory);
    if (result == OK) lay_out(memory, &layout);
    return result;
}

void kv_memory_close(struct kv_memory *memory)
{
    assert_that(memory->open_count, ==, 0);
    memory_give_back(memory->memory);
    span_fill(SPAN_OF(*memory), 0);
}
