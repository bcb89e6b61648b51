/* flow_memory_sim_test.c - the conformance suite of flows on flow_memory, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_memory.h"
#include "flow/flow_suite.h"

#define BUFFER_BYTES ((size_t)4096)

static struct flow_memory pair;

static void memory_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    (void)fixture;
    expect_ok(flow_memory_open(&pair, BUFFER_BYTES));
    *near = flow_memory_end(&pair, 0);
    *far = flow_memory_end(&pair, 1);
}

static void memory_close(struct flow_fixture *fixture)
{
    (void)fixture;
    flow_memory_close(&pair);
}

static struct flow_fixture memory = {
    .open = memory_open,
    .close = memory_close,
    .held_bytes_max = BUFFER_BYTES,
};

FLOW_SUITE(flow_memory, &memory)

TEST(flow_memory_reset_by_unread_bytes)
{
    struct flow *near, *far;
    uint8_t bytes[8];
    size_t length_bytes;
    memory_open(&memory, &near, &far);
    expect_ok(flow_write_view(near, VIEW("unread"), NO_WAIT));
    expect_ok(flow_write_view(far, VIEW("answer"), NO_WAIT));
    flow_close(far);
    expect_ok(flow_read(near, SPAN_OF(bytes), &length_bytes, NO_WAIT));
    expect_that(length_bytes, ==, 6);
    expect_result(flow_read(near, SPAN_OF(bytes), &length_bytes, NO_WAIT), FAILED);
    expect_result(flow_write_view(near, VIEW("more"), NO_WAIT), FAILED);
    flow_close(near);
    memory_close(&memory);
}

TEST(flow_memory_close_ends_what_is_open)
{
    struct flow *near, *far;
    memory_open(&memory, &near, &far);
    expect_ok(flow_write_view(near, VIEW("left"), NO_WAIT));
    memory_close(&memory);
    memory_open(&memory, &near, &far);
    flow_close(near);
    memory_close(&memory);
}

TEST(flow_memory_buffer_wraps)
{
    struct flow *near, *far;
    memory_open(&memory, &near, &far);
    for (unsigned i = 0; i < 1000; i++) {
        expect_ok(flow_write_view(near, VIEW("0123456789abc"), NO_WAIT));
        suite_expect_read(far, VIEW("0123456789abc"));
    }
    flow_close(near);
    flow_close(far);
    memory_close(&memory);
}
