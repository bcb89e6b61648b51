/* flow_faulty_sim_test.c - the conformance suite of flows over one that is short-breathed and slow,
 * and what a cut does.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_faulty.h"
#include "flow/flow_memory.h"
#include "flow/flow_suite.h"

#define BUFFER_BYTES ((size_t)4096)

static struct flow_memory pair;
static struct flow_faulty ends[2];

static void open_with(const struct flow_faulty_plan *plan)
{
    expect_ok(flow_memory_open(&pair, BUFFER_BYTES));
    for (size_t i = 0; i < LENGTH_OF(ends); i++)
        flow_faulty_open(&ends[i], flow_memory_end(&pair, i), plan);
}

static void faulty_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    const struct flow_faulty_plan plan = { .seed = 7,
                                           .piece_bytes_max = 700,
                                           .delay_ns_max = 100 * US_NS };
    (void)fixture;
    open_with(&plan);
    *near = &ends[0].flow;
    *far = &ends[1].flow;
}

static void faulty_close(struct flow_fixture *fixture)
{
    (void)fixture;
    flow_memory_close(&pair);
}

static struct flow_fixture faulty = {
    .open = faulty_open,
    .close = faulty_close,
    .held_bytes_max = BUFFER_BYTES,
};

FLOW_SUITE(flow_faulty, &faulty)

TEST(flow_faulty_reads_are_short)
{
    struct flow *near, *far;
    uint8_t bytes[64];
    size_t length_bytes, shorter = 0;
    const struct flow_faulty_plan plan = { .seed = 3, .piece_bytes_max = 4 };
    open_with(&plan);
    near = &ends[0].flow;
    far = &ends[1].flow;
    expect_ok(flow_write_view(far, VIEW("0123456789012345678901234567890123456789"), NO_WAIT));
    for (size_t read_bytes = 0; read_bytes < 40; read_bytes += length_bytes) {
        expect_ok(flow_read(near, SPAN_OF(bytes), &length_bytes, NO_WAIT));
        expect(length_bytes <= 4);
        shorter += length_bytes < 4;
    }
    expect(shorter > 2);
    flow_close(near);
    flow_close(far);
    faulty_close(NULL);
}

/* The same seed gives the same course. */
TEST(flow_faulty_is_reproducible)
{
    size_t lengths[2][10];
    uint8_t bytes[64];
    const struct flow_faulty_plan plan = { .seed = 5, .piece_bytes_max = 9 };
    for (size_t round = 0; round < 2; round++) {
        open_with(&plan);
        struct view text = VIEW("0123456789012345678901234567890123456789"
                                "0123456789012345678901234567890123456789");
        expect_ok(flow_write_view(&ends[1].flow, text, NO_WAIT));
        for (size_t i = 0; i < LENGTH_OF(lengths[round]); i++)
            expect_ok(flow_read(&ends[0].flow, SPAN_OF(bytes), &lengths[round][i], NO_WAIT));
        flow_abort(&ends[0].flow);
        flow_close(&ends[1].flow);
        faulty_close(NULL);
    }
    expect_view(VIEW_OF(lengths[0]), VIEW_OF(lengths[1]));
}

/* ---- cuts ---- */

TEST(flow_faulty_cut_after_so_many_bytes)
{
    struct flow *near, *far;
    uint8_t bytes[16];
    size_t length_bytes;
    const struct flow_faulty_plan plan = { .seed = 1, .cut_at_bytes = 10 };
    const struct flow_faulty_plan none = { 0 };
    expect_ok(flow_memory_open(&pair, BUFFER_BYTES));
    flow_faulty_open(&ends[0], flow_memory_end(&pair, 0), &plan);
    flow_faulty_open(&ends[1], flow_memory_end(&pair, 1), &none);
    near = &ends[0].flow;
    far = &ends[1].flow;
    expect_ok(flow_write_view(near, VIEW("six of"), NO_WAIT));
    expect_ok(flow_write_view(near, VIEW("twelve"), NO_WAIT));
    expect_result(flow_write_view(near, VIEW("more"), NO_WAIT), FAILED);
    expect_result(flow_read(near, SPAN_OF(bytes), &length_bytes, suite_soon()), FAILED);
    expect_result(flow_shut(near), FAILED);
    expect_result(flow_read(far, SPAN_OF(bytes), &length_bytes, suite_soon()), FAILED);
    expect_result(flow_write_view(far, VIEW("answer"), NO_WAIT), FAILED);
    flow_close(near);
    flow_close(far);
    faulty_close(NULL);
}

/* The writer's cut must get a reader of the same end out of its wait. */
TEST(flow_faulty_cut_wakes_the_reader_of_its_own_end)
{
    struct scope scope;
    struct suite_reader reader;
    const struct flow_faulty_plan plan = { .seed = 1, .cut_at_bytes = 1 };
    open_with(&plan);
    scope_open(&scope, "suite");
    suite_reader_start(&reader, &scope, &ends[0].flow, SIZE_MAX);
    (void)fiber_sleep(SUITE_QUIET_NS);
    expect_ok(flow_write_view(&ends[0].flow, VIEW("x"), NO_WAIT));
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_result(reader.result, FAILED);
    flow_close(&ends[0].flow);
    flow_close(&ends[1].flow);
    faulty_close(NULL);
}

TEST(flow_faulty_cut_sends_the_watch)
{
    struct mailbox mailbox;
    struct letter *letter;
    struct watch watch = { .mailbox = &mailbox };
    const struct flow_faulty_plan plan = { .seed = 1, .cut_at_bytes = 1 };
    open_with(&plan);
    mailbox_init(&mailbox);
    flow_watch(&ends[0].flow, &watch, NEVER);
    expect_ok(flow_write_view(&ends[0].flow, VIEW("x"), NO_WAIT));
    expect_ok(mailbox_take(&mailbox, &letter, NO_WAIT));
    flow_watch(&ends[0].flow, &watch, NEVER);
    expect_ok(mailbox_take(&mailbox, &letter, NO_WAIT));
    flow_close(&ends[0].flow);
    flow_close(&ends[1].flow);
    faulty_close(NULL);
}

TEST(flow_faulty_cut_by_chance)
{
    unsigned cuts = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        const struct flow_faulty_plan plan = { .seed = seed, .cut_per_million = 300000 };
        open_with(&plan);
        cuts += flow_write_view(&ends[0].flow, VIEW("x"), NO_WAIT) == FAILED;
        flow_close(&ends[0].flow);
        flow_close(&ends[1].flow);
        faulty_close(NULL);
    }
    expect(cuts > 30 && cuts < 90);
}
