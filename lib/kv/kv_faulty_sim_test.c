/* kv_faulty_sim_test.c - without faults it is a kv like any other; with them it keeps to its plan.
 * In virtual time, so that delays cost none.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_faulty.h"

#include "kv/kv_memory.h"
#include "kv/kv_suite.h"
#include "target/clock.h"

static struct kv_memory memory;
static struct kv_faulty faulty;

static void open_faulty(const struct kv_faulty_plan *plan)
{
    const struct kv_memory_parameters parameters = { .bytes = MIB, .entries = 1000 };
    expect_ok(kv_memory_open(&memory, &parameters));
    expect_ok(kv_faulty_open(&faulty, &memory.kv, plan));
}

static void close_faulty(void)
{
    kv_faulty_close(&faulty);
    kv_memory_close(&memory);
}

static struct kv *suite_open(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                             size_t count)
{
    (void)fixture;
    open_faulty(&(struct kv_faulty_plan){ .seed = 1, .delay_ns_max = MS_NS });
    for (size_t i = 0; i < count; i++)
        expect_ok(kv_set(&faulty.kv, pages[i].key, pages[i].value));
    return &faulty.kv;
}

static void suite_close(struct kv_fixture *fixture)
{
    (void)fixture;
    close_faulty();
}

static struct kv_fixture fixture = { .open = suite_open, .close = suite_close };

KV_SUITE(kv_faulty, &fixture)

/* Each call of a walk through the signature fails in its turn, and only that one. */
TEST(kv_faulty_fails_at_each_call)
{
    for (uint64_t at = 1; at <= 6; at++) {
        struct kv_visitor visitor = { NULL };
        struct kv_value value = { 0 };
        size_t length_bytes;
        uint8_t room[8];
        open_faulty(&(struct kv_faulty_plan){ .fail_at = at, .failure = FULL });
        expect_result(kv_list(&faulty.kv, VIEW(""), &visitor), at == 1 ? FULL : OK);
        expect_result(kv_set(&faulty.kv, VIEW("a"), VIEW("1")), at == 2 ? FULL : OK);
        enum result there = at == 2 ? NOT_FOUND : OK;
        expect_result(kv_open(&faulty.kv, VIEW("a"), &value), at == 3 ? FULL : there);
        if (at != 2 && at != 3) {
            expect_result(kv_read(&faulty.kv, &value, 0, SPAN_OF(room), &length_bytes),
                          at == 4 ? FULL : OK);
            kv_release(&faulty.kv, &value);
            expect_result(kv_remove(&faulty.kv, VIEW("a")), at == 5 ? FULL : OK);
        }
        expect_that(faulty.failed_count, ==, at < 6);
        close_faulty();
    }
}

/* The fates of `count` calls as bits. */
static uint64_t fates(uint64_t seed, uint32_t per_million, unsigned count)
{
    uint64_t bits = 0;
    open_faulty(&(struct kv_faulty_plan){ .seed = seed, .fail_per_million = per_million });
    for (unsigned i = 0; i < count; i++) {
        enum result result = kv_exists(&faulty.kv, VIEW("a"));
        expect(result == NOT_FOUND || result == FAILED);
        bits = bits << 1 | (result == FAILED);
    }
    close_faulty();
    return bits;
}

TEST(kv_faulty_follows_its_seed)
{
    uint64_t first = fates(1, 500000, 64);
    expect(first == fates(1, 500000, 64));
    expect(first != fates(2, 500000, 64));
    expect_that(__builtin_popcountll(first), >, 16);
    expect_that(__builtin_popcountll(first), <, 48);
    expect_that(fates(1, 0, 64), ==, 0);
    expect_that(fates(1, 1000000, 64), ==, UINT64_MAX);
}

TEST(kv_faulty_delays)
{
    uint64_t start_ns = clock_monotonic_ns(), longest_ns = 0;
    open_faulty(&(struct kv_faulty_plan){ .seed = 3, .delay_ns_max = S_NS });
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before_ns = clock_monotonic_ns();
        expect_result(kv_exists(&faulty.kv, VIEW("a")), NOT_FOUND);
        longest_ns = MAX(longest_ns, clock_monotonic_ns() - before_ns);
    }
    close_faulty();
    expect_that(longest_ns, >, S_NS * 9 / 10);
    expect_that(longest_ns, <, S_NS + MS_NS);
    expect_that(clock_monotonic_ns() - start_ns, >, 40 * S_NS);
}
