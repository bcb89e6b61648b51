/* flow_test.c - a peer that always has more: what it may not do to the other fibers.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow.h"

#include "target/clock.h"
#include "test/test.h"

/* A flow that has something to read, and room for what is written, at every call; but not after a
 * second, so that a test that fails ends. */
struct endless {
    struct flow flow;
    uint64_t ends_ns;
    bool has_ended;
};

static enum result endless_next(struct flow *flow)
{
    struct endless *endless = CONTAINER_OF(flow, struct endless, flow);
    endless->has_ended = clock_monotonic_ns() >= endless->ends_ns;
    return endless->has_ended ? CLOSED : OK;
}

static enum result endless_read(struct flow *flow, struct span room, size_t *length_bytes,
                                uint64_t deadline_ns)
{
    (void)room, (void)deadline_ns;
    enum result result = endless_next(flow);
    *length_bytes = result == OK;
    return result;
}

static enum result endless_write(struct flow *flow, const struct view views[], size_t count,
                                 size_t *written_bytes, uint64_t deadline_ns)
{
    (void)views, (void)count, (void)written_bytes, (void)deadline_ns;
    return endless_next(flow);
}

static enum result endless_shut(struct flow *flow)
{
    (void)flow;
    return OK;
}

static void endless_close(struct flow *flow)
{
    (void)flow;
}

static const struct flow_ops endless_ops = {
    .read = endless_read, .write = endless_write, .shut = endless_shut, .close = endless_close
};

static void endless_open(struct endless *endless)
{
    *endless = (struct endless){ .flow.ops = &endless_ops, .ends_ns = clock_monotonic_ns() + S_NS };
}

struct greedy {
    struct task task;
    struct endless endless;
    bool writes, is_satisfied;
    enum result result;
};

static void take_all(struct task *task)
{
    struct greedy *self = CONTAINER_OF(task, struct greedy, task);
    struct flow *flow = &self->endless.flow;
    self->result = OK;
    while (self->result == OK && !self->is_satisfied) {
        uint8_t byte;
        size_t length_bytes;
        self->result = self->writes ? flow_write_view(flow, VIEW("x"), NEVER)
                                    : flow_read(flow, SPAN_OF(byte), &length_bytes, NEVER);
    }
}

static void begin(struct greedy *greedy, struct scope *scope, bool writes)
{
    *greedy = (struct greedy){ .task.run = take_all, .writes = writes };
    endless_open(&greedy->endless);
    scope_open(scope, "greedy");
    expect_ok(fiber_start(scope, &greedy->task, "greedy", STACK_SMALL));
}

TEST(a_flow_without_end_lets_others_run)
{
    static struct greedy greedy;
    struct scope scope;
    for (unsigned writes = 0; writes < 2; writes++) {
        begin(&greedy, &scope, writes == 1);
        expect_result(fiber_sleep(MS_NS), TIMED_OUT);
        expect(!greedy.endless.has_ended);
        greedy.is_satisfied = true;
        expect_ok(scope_wait(&scope, NEVER));
        expect_ok(greedy.result);
        scope_close(&scope);
    }
}

TEST(a_fiber_that_never_waits_can_be_cancelled)
{
    static struct greedy greedy;
    struct scope scope;
    for (unsigned writes = 0; writes < 2; writes++) {
        begin(&greedy, &scope, writes == 1);
        fiber_yield();
        scope_close(&scope);
        expect_result(greedy.result, CANCELLED);
    }
}

TEST(a_gentle_close_ends_at_its_deadline)
{
    static struct endless endless;
    endless_open(&endless);
    flow_close_gently(&endless.flow, deadline_after(loop_now_ns(), 20 * MS_NS));
    expect(!endless.has_ended);
}
