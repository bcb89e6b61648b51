/* unix_test.c - the ambient services of a process: clocks, randomness, memory, poll and signals.
 *
 * SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fiber/stop.h"
#include "target/clock.h"
#include "target/entropy.h"
#include "target/memory.h"
#include "target/stack.h"
#include "target/unix/poll.h"
#include "test/test.h"

TEST(the_monotonic_clock_goes_forward)
{
    uint64_t before_ns = clock_monotonic_ns();
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now_ns = clock_monotonic_ns();
        expect_that(now_ns, >=, before_ns);
        before_ns = now_ns;
    }
}

TEST(the_wall_clock_is_after_2026)
{
    expect_that(clock_wall_ns(), >, (uint64_t)1767225600 * S_NS);
}

TEST(entropy_fills_everything_and_does_not_repeat)
{
    uint8_t first[64] = { 0 }, second[64] = { 0 };
    entropy_fill(SPAN_OF(first));
    entropy_fill(SPAN_OF(second));
    expect(!view_equal(VIEW_OF(first), VIEW_OF(second)));
    unsigned zeros = 0;
    for (size_t i = 0; i < sizeof first; i++)
        zeros += first[i] == 0;
    expect_that(zeros, <, 8); /* by chance: once in 10^12 runs */
}

TEST(memory_is_zeroed_and_comes_back)
{
    for (unsigned i = 0; i < 100; i++) {
        struct span memory;
        expect_ok(memory_take(MIB, &memory));
        expect_that(memory.length_bytes, ==, MIB);
        expect_that(memory.bytes[0], ==, 0);
        expect_that(memory.bytes[MIB - 1], ==, 0);
        span_fill(memory, 1);
        memory_give_back(memory);
    }
    memory_give_back((struct span){ 0 });
}

TEST(memory_that_the_host_has_not_is_full)
{
    struct span memory;
    expect_result(memory_take((size_t)1 << 60, &memory), FULL);
    expect_that(memory.length_bytes, ==, 0);
    size_t count = SIZE_MAX / 2;
    expect_result(stack_arena_take(&count, 64 * KIB, &memory), FULL);
}

/* ---- poll ---- */

struct counter {
    struct poll poll;
    struct waiters waiters;
    unsigned notices;
    uint32_t events;
};

static void count(struct poll *poll, uint32_t events)
{
    struct counter *self = CONTAINER_OF(poll, struct counter, poll);
    self->notices++;
    self->events |= events;
    waiters_wake_all(&self->waiters);
}

static void counter_open(struct counter *counter)
{
    *counter = (struct counter){ .poll = { .descriptor = eventfd(0, EFD_NONBLOCK),
                                           .ready = count } };
    waiters_init(&counter->waiters);
    expect_ok(poll_add(&counter->poll));
}

static void ring(struct counter *counter)
{
    uint64_t one = 1;
    expect(write(counter->poll.descriptor, &one, sizeof one) == sizeof one);
}

TEST(poll_tells_edges)
{
    struct counter counter;
    counter_open(&counter);
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect(counter.events & EPOLLOUT); /* true from the start, and told once */
    unsigned before = counter.notices;
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect_that(counter.notices, ==, before);

    ring(&counter);
    expect_ok(waiters_wait(&counter.waiters, "test", clock_monotonic_ns() + S_NS));
    expect(counter.events & EPOLLIN);
    poll_remove(&counter.poll);
    poll_remove(&counter.poll);
    ring(&counter);
    before = counter.notices;
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect_that(counter.notices, ==, before);
    expect(close(counter.poll.descriptor) == 0);
}

/* Both are ready in one burst; whichever is told first removes the other. */
struct pair {
    struct counter counter;
    struct pair *other;
};

static void remove_other(struct poll *poll, uint32_t events)
{
    struct pair *self = CONTAINER_OF(poll, struct pair, counter.poll);
    if (events & EPOLLIN) {
        self->counter.notices++;
        poll_remove(&self->other->counter.poll);
    }
}

TEST(a_removed_poll_is_not_told_of_a_pending_event)
{
    struct pair pairs[2];
    for (size_t i = 0; i < 2; i++) {
        counter_open(&pairs[i].counter);
        pairs[i].other = &pairs[1 - i];
    }
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    for (size_t i = 0; i < 2; i++) {
        pairs[i].counter.notices = 0;
        pairs[i].counter.poll.ready = remove_other;
        ring(&pairs[i].counter);
    }
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect_that(pairs[0].counter.notices + pairs[1].counter.notices, ==, 1);
    for (size_t i = 0; i < 2; i++) {
        poll_remove(&pairs[i].counter.poll);
        expect(close(pairs[i].counter.poll.descriptor) == 0);
    }
}

/* Asks for another turn each time until it has had ten. */
static void ask_again(struct poll *poll, uint32_t events)
{
    struct counter *self = CONTAINER_OF(poll, struct counter, poll);
    count(poll, events);
    if (self->notices < 10) poll_again(poll);
}

TEST(a_poll_that_asks_is_told_in_the_next_turn)
{
    struct counter counter;
    counter_open(&counter);
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    poll_remove(&counter.poll); /* what the host does not watch is told all the same */
    counter.notices = counter.events = 0;
    counter.poll.ready = ask_again;
    poll_again(&counter.poll);
    poll_again(&counter.poll);
    for (unsigned turn = 1; turn <= 10; turn++) {
        expect_ok(waiters_wait(&counter.waiters, "test", clock_monotonic_ns() + S_NS));
        expect_that(counter.notices, ==, turn);
    }
    expect_that(counter.events, ==, EPOLLIN);
    poll_again(&counter.poll);
    poll_remove(&counter.poll);
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    poll_again(&counter.poll);
    expect_ok(poll_add_level(&counter.poll));
    expect_result(fiber_sleep(MS_NS), TIMED_OUT);
    expect_that(counter.notices, ==, 10);
    poll_remove(&counter.poll);
    expect(close(counter.poll.descriptor) == 0);
}

/* A device that has a burst whenever it is looked at, and takes itself longer than fibers get until
 * the next look. */
#define BURST 64

struct flood {
    struct poll poll;
    size_t looks, waiting;
};

static void bring_burst(struct poll *poll, uint32_t events)
{
    struct flood *self = CONTAINER_OF(poll, struct flood, poll);
    (void)events;
    uint64_t end_ns = clock_monotonic_ns() + 40 * US_NS;
    while (clock_monotonic_ns() < end_ns) {
    }
    self->looks++;
    self->waiting += BURST;
    poll_again(poll);
}

/* What the device takes does not count as the fibers' time, or a reader would have one turn for
 * each burst: this one, who needs two, would fall behind by half of all that comes. Where others
 * have the processor during its turn it does, now and then, and makes up for it. */
TEST(a_reader_gets_as_far_as_what_comes)
{
    struct flood flood = { .poll = { .descriptor = -1, .ready = bring_burst } };
    poll_again(&flood.poll);
    while (flood.looks < 1000) {
        flood.waiting -= MIN(flood.waiting, BURST / 2);
        fiber_yield();
    }
    poll_remove(&flood.poll);
    expect_that(flood.waiting, <=, 100 * BURST);
}

TEST(a_file_cannot_be_polled)
{
    struct poll poll = { .descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
                         .ready = count };
    expect(poll.descriptor >= 0);
    expect_result(poll_add(&poll), UNSUPPORTED);
    expect(close(poll.descriptor) == 0);
}

/* ---- signals ---- */

TEST(sigterm_requests_a_stop)
{
    expect(!stop_is_requested());
    expect(kill(getpid(), SIGTERM) == 0);
    expect_ok(stop_wait(clock_monotonic_ns() + S_NS));
}
