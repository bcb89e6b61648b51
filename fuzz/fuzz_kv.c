/* fuzz_kv.c - a kv in memory under any sequence of calls, beside a model that is an array.
 *
 * The input is a program: each byte picks a call, the bytes behind it its keys and values. The
 * store is so small that it is often full. What it answers, what it lists and what open values hold
 * must be what the model says; a batch that fails must have changed nothing; and in the end no byte
 * may be missing, and the memory be one piece again.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_memory.h"

#include "base/cursor.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define ENTRIES         6
#define OPEN_MAX        8
#define BATCH_MAX       ((size_t)8)
#define VALUE_BYTES_MAX 1500

/* With no more than this in use some free piece is always long enough for a value. */
#define ROOMY_BYTES (8 * KIB)

/* In byte order. */
static const char *const keys[] = { "a", "a-b", "a/b", "a/b/c", "a0", "b/\xff", "c", "c/d", "z" };
#define KEYS LENGTH_OF(keys)

struct held {
    bool is_there;
    uint8_t fill;
    size_t length_bytes;
};

struct state {
    struct held keys[KEYS];
};

static struct kv_memory memory;
static struct state state;
static struct {
    struct kv_value value;
    struct held held;
} opened[OPEN_MAX];
static size_t opened_count;

static struct view key_view(size_t index)
{
    return view_from_string(keys[index]);
}

static size_t take_key(struct cursor *cursor)
{
    return cursor_u8(cursor) % KEYS;
}

static void check_bytes(struct view bytes, const struct held *held)
{
    assert_that(bytes.length_bytes, ==, held->length_bytes);
    for (size_t i = 0; i < bytes.length_bytes; i++)
        assert_that(bytes.bytes[i], ==, held->fill);
}

/* ---- reading ---- */

static void check_key(size_t index)
{
    struct kv_value value;
    const struct held *held = &state.keys[index];
    enum result result = kv_open(&memory.kv, key_view(index), &value);
    assert_that(result, ==, held->is_there ? OK : NOT_FOUND);
    if (result != OK) return;
    check_bytes(value.bytes, held);
    kv_release(&memory.kv, &value);
}

struct checker {
    struct kv_visitor visitor;
    struct view prefix;
    size_t next;
};

static bool is_listed(size_t index, struct view prefix)
{
    struct view key = key_view(index);
    if (!state.keys[index].is_there || !view_starts_with(key, prefix)) return false;
    return view_is_empty(prefix) || key.length_bytes == prefix.length_bytes ||
           key.bytes[prefix.length_bytes] == '/';
}

static void skip_to_listed(struct checker *checker)
{
    while (checker->next < KEYS && !is_listed(checker->next, checker->prefix))
        checker->next++;
}

static bool check_visited(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct checker *checker = CONTAINER_OF(visitor, struct checker, visitor);
    skip_to_listed(checker);
    assert_that(checker->next, <, KEYS);
    assert(view_equal(key, key_view(checker->next)));
    assert_that(size_bytes, ==, state.keys[checker->next].length_bytes);
    checker->next++;
    return true;
}

static void check_list(struct view prefix)
{
    struct checker checker = { .visitor = { check_visited }, .prefix = prefix };
    assert_that(kv_list(&memory.kv, prefix, &checker.visitor), ==, OK);
    skip_to_listed(&checker);
    assert_that(checker.next, ==, KEYS);
}

static void check_all(void)
{
    for (size_t i = 0; i < KEYS; i++)
        check_key(i);
    check_list(VIEW(""));
}

/* ---- open values ---- */

static void open_one(size_t index)
{
    if (opened_count == OPEN_MAX || !state.keys[index].is_there) return;
    enum result result = kv_open(&memory.kv, key_view(index), &opened[opened_count].value);
    assert_that(result, ==, OK);
    opened[opened_count++].held = state.keys[index];
}

static void release_one(size_t pick)
{
    if (opened_count == 0) return;
    size_t index = pick % opened_count;
    check_bytes(opened[index].value.bytes, &opened[index].held);
    kv_release(&memory.kv, &opened[index].value);
    opened[index] = opened[--opened_count];
}

/* ---- changing ---- */

struct batch {
    struct kv_change changes[BATCH_MAX];
    struct held values[BATCH_MAX];
    uint8_t bytes[BATCH_MAX][VALUE_BYTES_MAX];
    size_t keys[BATCH_MAX], new_keys[BATCH_MAX];
    size_t count, value_bytes;
};

static void take_change(struct batch *batch, struct cursor *cursor)
{
    size_t i = batch->count++;
    struct kv_change *change = &batch->changes[i];
    *change = (struct kv_change){ .kind = (enum kv_change_kind)(cursor_u8(cursor) % 3) };
    batch->keys[i] = take_key(cursor);
    change->key = key_view(batch->keys[i]);
    if (change->kind == KV_RENAME) {
        batch->new_keys[i] = take_key(cursor);
        change->new_key = key_view(batch->new_keys[i]);
    } else if (change->kind == KV_SET) {
        struct held *value = &batch->values[i];
        *value = (struct held){ true, cursor_u8(cursor), cursor_u16_le(cursor) % VALUE_BYTES_MAX };
        struct span bytes = span_from(batch->bytes[i], value->length_bytes);
        span_fill(bytes, value->fill);
        change->value = span_view(bytes);
        batch->value_bytes += value->length_bytes;
    }
}

static size_t count_keys(const struct state *of)
{
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++)
        count += of->keys[i].is_there;
    return count;
}

/* What one change answers, and what it makes of the model. */
static enum result model_change(struct state *model, const struct batch *batch, size_t i)
{
    struct held *held = &model->keys[batch->keys[i]];
    struct held before = *held;
    if (batch->changes[i].kind == KV_SET) {
        *held = batch->values[i];
        return count_keys(model) > ENTRIES ? FULL : OK;
    }
    if (!held->is_there) return NOT_FOUND;
    *held = (struct held){ 0 };
    if (batch->changes[i].kind == KV_RENAME) model->keys[batch->new_keys[i]] = before;
    return OK;
}

static enum result model_batch(struct state *model, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        enum result result = model_change(model, batch, i);
        if (result != OK) return result;
    }
    return OK;
}

static void change(struct cursor *cursor, size_t count)
{
    static struct batch batch;
    batch.count = batch.value_bytes = 0;
    for (size_t i = 0; i < count; i++)
        take_change(&batch, cursor);
    struct state model = state;
    enum result wanted = model_batch(&model, &batch);
    size_t used_bytes = memory.arena.used_bytes;
    enum result result = kv_apply(&memory.kv, batch.changes, batch.count);
    if (result == FULL && wanted != FULL) {
        assert_that(used_bytes + batch.value_bytes, >, ROOMY_BYTES - BATCH_MAX * 128);
    } else {
        assert_that(result, ==, wanted);
    }
    if (result == OK) {
        state = model;
    } else {
        assert_that(memory.arena.used_bytes, ==, used_bytes);
    }
}

static void step(struct cursor *cursor)
{
    uint8_t call = cursor_u8(cursor);
    switch (call % 8) {
    case 0: open_one(take_key(cursor)); break;
    case 1: release_one(cursor_u8(cursor)); break;
    case 2: check_list(key_view(take_key(cursor))); break;
    case 3: check_all(); break;
    case 4: change(cursor, 1 + call / 8 % BATCH_MAX); break;
    default: change(cursor, 1); break;
    }
}

static void give_all_back(void)
{
    check_all();
    while (opened_count > 0)
        release_one(0);
    for (size_t i = 0; i < KEYS; i++) {
        enum result result = kv_remove(&memory.kv, key_view(i));
        assert_that(result, ==, state.keys[i].is_there ? OK : NOT_FOUND);
    }
    assert_that(memory.arena.used_bytes, ==, 0);
    size_t whole_bytes = kv_memory_arena_capacity(&memory.arena) - kv_memory_arena_cost(16) + 16;
    assert_that(kv_memory_arena_longest(&memory.arena), ==, whole_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    const struct kv_memory_parameters parameters = { .bytes = 64 * KIB, .entries = ENTRIES };
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    state = (struct state){ 0 };
    assert_that(kv_memory_open(&memory, &parameters), ==, OK);
    while (cursor_left(&cursor) > 0 && !cursor.ran_short)
        step(&cursor);
    give_all_back();
    kv_memory_close(&memory);
    return 0;
}
