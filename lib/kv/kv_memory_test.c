/* kv_memory_test.c - the suite over kv_memory, and its limits.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_memory.h"

#include "base/writer.h"
#include "kv/kv_suite.h"

static struct kv_memory memory;

static void open_with(uint64_t bytes, uint64_t entries)
{
    const struct kv_memory_parameters parameters = { .bytes = bytes, .entries = entries };
    expect_ok(kv_memory_open(&memory, &parameters));
}

static struct kv *suite_open(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                             size_t count)
{
    (void)fixture;
    open_with(MIB, 1000);
    for (size_t i = 0; i < count; i++)
        expect_ok(kv_set(&memory.kv, pages[i].key, pages[i].value));
    return &memory.kv;
}

static void suite_close(struct kv_fixture *fixture)
{
    (void)fixture;
    kv_memory_close(&memory);
}

static struct kv_fixture fixture = { .open = suite_open, .close = suite_close };

KV_SUITE(kv_memory, &fixture)

/* ---- limits ---- */

static uint8_t much[MIB];

/* The longest value that an empty store takes under this key. */
static size_t longest_value(struct view key)
{
    size_t fits = 0, fails = sizeof much;
    while (fails - fits > 1) {
        size_t middle = fits + (fails - fits) / 2;
        enum result result = kv_set(&memory.kv, key, view_from(much, middle));
        expect(result == OK || result == TOO_LARGE);
        if (result == OK) {
            fits = middle;
            expect_ok(kv_remove(&memory.kv, key));
        } else {
            fails = middle;
        }
    }
    return fits;
}

TEST(kv_memory_too_large_is_exact)
{
    open_with(64 * KIB, 10);
    size_t longest = longest_value(VIEW("key"));
    expect_that(longest, >, 64 * KIB - 256);
    expect_result(kv_set(&memory.kv, VIEW("key"), view_from(much, longest + 1)), TOO_LARGE);
    expect_ok(kv_set(&memory.kv, VIEW("key"), view_from(much, longest)));
    expect_result(kv_set(&memory.kv, VIEW("key"), view_from(much, longest)), FULL);
    expect_result(kv_set(&memory.kv, VIEW("other"), VIEW("")), FULL);
    expect_that(memory.arena.used_bytes, ==, 64 * KIB);
    expect_ok(kv_remove(&memory.kv, VIEW("key")));
    expect_that(memory.arena.used_bytes, ==, 0);
    kv_memory_close(&memory);
}

TEST(kv_memory_entries_are_exact)
{
    uint8_t name[16];
    open_with(64 * KIB, 100);
    for (unsigned i = 0; i < 100; i++)
        expect_ok(kv_set(&memory.kv, format(SPAN_OF(name), "%u", i), VIEW("v")));
    expect_result(kv_set(&memory.kv, VIEW("one more"), VIEW("v")), FULL);
    expect_ok(kv_set(&memory.kv, VIEW("99"), VIEW("replaced")));
    const struct kv_change exchange[] = {
        { .kind = KV_REMOVE, .key = VIEW("0") },
        { .kind = KV_SET, .key = VIEW("one more"), .value = VIEW("v") },
    };
    expect_ok(kv_apply(&memory.kv, exchange, 2));
    expect_result(kv_set(&memory.kv, VIEW("0"), VIEW("v")), FULL);
    kv_memory_close(&memory);
}

/* A batch whose last values find no memory leaves no trace of the first ones. */
TEST(kv_memory_batch_out_of_memory)
{
    open_with(64 * KIB, 100);
    expect_ok(kv_set(&memory.kv, VIEW("kept"), view_from(much, 20 * KIB)));
    size_t used_bytes = memory.arena.used_bytes;
    const struct kv_change changes[] = {
        { .kind = KV_SET, .key = VIEW("a"), .value = view_from(much, 20 * KIB) },
        { .kind = KV_RENAME, .key = VIEW("kept"), .new_key = VIEW("b") },
        { .kind = KV_SET, .key = VIEW("a"), .value = view_from(much, 10 * KIB) },
        { .kind = KV_REMOVE, .key = VIEW("b") },
        { .kind = KV_SET, .key = VIEW("c"), .value = view_from(much, 20 * KIB) },
    };
    expect_result(kv_apply(&memory.kv, changes, LENGTH_OF(changes)), FULL);
    kv_suite_expect_keys(&memory.kv, VIEW(""), VIEW("kept "));
    expect_that(memory.arena.used_bytes, ==, used_bytes);
    expect_ok(kv_apply(&memory.kv, changes, LENGTH_OF(changes) - 1));
    kv_suite_expect_keys(&memory.kv, VIEW(""), VIEW("a "));
    kv_memory_close(&memory);
}

/* What is open keeps its memory, and gives it back at the end. */
TEST(kv_memory_open_values_hold_memory)
{
    open_with(64 * KIB, 10);
    struct kv_value value;
    expect_ok(kv_set(&memory.kv, VIEW("a"), view_from(much, 40 * KIB)));
    expect_ok(kv_open(&memory.kv, VIEW("a"), &value));
    expect_ok(kv_remove(&memory.kv, VIEW("a")));
    expect_result(kv_set(&memory.kv, VIEW("a"), view_from(much, 40 * KIB)), FULL);
    kv_release(&memory.kv, &value);
    expect_that(memory.arena.used_bytes, ==, 0);
    expect_ok(kv_set(&memory.kv, VIEW("a"), view_from(much, 40 * KIB)));
    kv_memory_close(&memory);
}

TEST(kv_memory_key_of_a_listing_stays)
{
    open_with(64 * KIB, 10);
    expect_ok(kv_set(&memory.kv, VIEW("prefix"), VIEW("1")));
    expect_ok(kv_set(&memory.kv, VIEW("prefix/a"), VIEW("1")));
    expect_ok(kv_set(&memory.kv, VIEW("prefix-a"), VIEW("1")));
    kv_suite_expect_keys(&memory.kv, VIEW("prefix"), VIEW("prefix prefix/a "));
    kv_memory_close(&memory);
}

/* ---- the order ---- */

#define NODES 4096

static size_t depth_of(const struct kv_memory_order_node *node)
{
    return node == NULL ? 0 : 1 + MAX(depth_of(node->before), depth_of(node->after));
}

/* Keys that come in order, and every second of them taken out again: the tree stays within some
 * factor of its least depth, 11 or 12. */
TEST(kv_memory_order_stays_shallow)
{
    static struct kv_memory_order_node nodes[NODES];
    static uint8_t names[NODES][8];
    struct kv_memory_order order = { 0 };
    uint64_t seed = 5;
    size_t count = 0;
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i].key = format(SPAN_OF(names[i]), "%06u", i);
        nodes[i].priority = test_random(&seed);
        kv_memory_order_insert(&order, &nodes[i]);
    }
    expect_that(depth_of(order.root), <, 36);
    for (unsigned i = 0; i < NODES; i += 2)
        kv_memory_order_remove(&order, &nodes[i]);
    expect_that(depth_of(order.root), <, 36);
    struct kv_memory_order_node *node = kv_memory_order_from(&order, VIEW(""));
    for (; node != NULL; node = kv_memory_order_behind(&order, node->key))
        expect(node == &nodes[2 * count++ + 1]);
    expect_that(count, ==, NODES / 2);
}

/* ---- the arena ---- */

#define BLOCKS 512

struct churn {
    void *block;
    size_t length_bytes;
    uint8_t mark;
};

static void check_block(const struct churn *churn)
{
    const uint8_t *bytes = churn->block;
    for (size_t i = 0; i < churn->length_bytes; i++)
        expect_that(bytes[i], ==, churn->mark);
}

static size_t random_length(uint64_t *seed)
{
    uint64_t power = 4 + test_random(seed) % 8;
    return (size_t)(test_random(seed) % ((uint64_t)1 << power));
}

/* Sizes from 0 to 2 KiB come and go at random, in an arena of 128 KiB that is always as full as it
 * can be. Nobody's bytes change; FULL really means that no free block is long enough; and when a
 * block finds no place, the arena is 86 % used in the mean and 70 % in the worst case. */
TEST(kv_memory_arena_fragments_little)
{
    static struct kv_memory_arena arena;
    static struct churn churn[BLOCKS];
    static _Alignas(16) uint8_t bytes[128 * 1024];
    uint64_t seed = 7, failed_count = 0, used_sum = 0, least_used = sizeof bytes;
    span_fill(SPAN_OF(churn), 0);
    kv_memory_arena_init(&arena, SPAN_OF(bytes));
    for (unsigned round = 0; round < 200000; round++) {
        struct churn *one = &churn[test_random(&seed) % BLOCKS];
        if (one->block != NULL) {
            if (round % 16 == 0) check_block(one);
            kv_memory_arena_give_back(&arena, one->block);
            one->block = NULL;
        }
        one->length_bytes = random_length(&seed);
        one->mark = (uint8_t)round;
        one->block = kv_memory_arena_take(&arena, one->length_bytes);
        if (one->block == NULL) {
            failed_count++;
            used_sum += arena.used_bytes;
            least_used = MIN(least_used, arena.used_bytes);
            expect_that(kv_memory_arena_longest(&arena), <, one->length_bytes);
        } else {
            span_fill(span_from(one->block, one->length_bytes), one->mark);
        }
    }
    expect_that(failed_count, >, 0);
    expect_that(least_used, >, sizeof bytes * 70 / 100);
    expect_that(used_sum / failed_count, >, sizeof bytes * 85 / 100);
    for (size_t i = 0; i < BLOCKS; i++) {
        if (churn[i].block != NULL) kv_memory_arena_give_back(&arena, churn[i].block);
    }
    expect_that(arena.used_bytes, ==, 0);
    expect_that(kv_memory_arena_longest(&arena), ==, sizeof bytes - 16);
}
