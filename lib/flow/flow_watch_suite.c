/* flow_watch_suite.c - cases for every flow: being told without a fiber.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"
#include "target/clock.h"

struct watched {
    struct flow_fixture *fixture;
    struct flow *near, *far;
    struct mailbox mailbox;
    struct watch watch;
};

static void watched_open(struct watched *watched, struct flow_fixture *fixture)
{
    *watched = (struct watched){ .fixture = fixture };
    mailbox_init(&watched->mailbox);
    watched->watch.mailbox = &watched->mailbox;
    fixture->open(fixture, &watched->near, &watched->far);
}

static void watched_close(struct watched *watched)
{
    flow_close(watched->near);
    flow_close(watched->far);
    expect(mailbox_is_empty(&watched->mailbox));
    if (watched->fixture->close != NULL) watched->fixture->close(watched->fixture);
}

/* A read that found nothing comes first, so that no notice may come for nothing. */
static void watch_quietly(struct watched *watched, uint64_t deadline_ns)
{
    uint8_t byte;
    size_t length_bytes;
    expect_result(flow_read(watched->near, SPAN_OF(byte), &length_bytes, NO_WAIT), TIMED_OUT);
    flow_watch(watched->near, &watched->watch, deadline_ns);
}

static void expect_notice(struct watched *watched, enum result wanted)
{
    struct letter *letter;
    expect_ok(mailbox_take(&watched->mailbox, &letter, suite_soon()));
    expect(letter == &watched->watch.letter);
    expect_result(watched->watch.result, wanted);
    expect(!watched->watch.armed);
}

static void expect_no_notice(struct watched *watched)
{
    struct letter *letter;
    expect_result(mailbox_take(&watched->mailbox, &letter, suite_quiet()), TIMED_OUT);
}

void flow_case_watch_fires_at_once(struct flow_fixture *fixture)
{
    struct watched watched;
    watched_open(&watched, fixture);
    expect_ok(flow_write_view(watched.far, VIEW("here"), suite_soon()));
    (void)fiber_sleep(SUITE_QUIET_NS);
    flow_watch(watched.near, &watched.watch, NEVER);
    expect_notice(&watched, OK);
    suite_expect_read(watched.near, VIEW("here"));
    watched_close(&watched);
}

void flow_case_watch_fires_later(struct flow_fixture *fixture)
{
    struct watched watched;
    watched_open(&watched, fixture);
    watch_quietly(&watched, NEVER);
    expect_no_notice(&watched);
    expect(watched.watch.armed);
    expect_ok(flow_write_view(watched.far, VIEW("later"), suite_soon()));
    expect_notice(&watched, OK);
    suite_expect_read(watched.near, VIEW("later"));
    watched_close(&watched);
}

void flow_case_watch_fires_at_the_end(struct flow_fixture *fixture)
{
    struct watched watched;
    uint8_t byte;
    size_t length_bytes;
    watched_open(&watched, fixture);
    watch_quietly(&watched, NEVER);
    expect_ok(flow_shut(watched.far));
    expect_notice(&watched, OK);
    expect_result(flow_read(watched.near, SPAN_OF(byte), &length_bytes, suite_soon()), CLOSED);
    flow_watch(watched.near, &watched.watch, NEVER);
    expect_notice(&watched, OK);
    expect_result(flow_read(watched.near, SPAN_OF(byte), &length_bytes, NO_WAIT), CLOSED);
    watched_close(&watched);
}

void flow_case_watch_fires_at_the_deadline(struct flow_fixture *fixture)
{
    struct watched watched;
    watched_open(&watched, fixture);
    uint64_t deadline_ns = clock_monotonic_ns() + SUITE_QUIET_NS;
    watch_quietly(&watched, deadline_ns);
    expect_notice(&watched, TIMED_OUT);
    expect_that(clock_monotonic_ns(), >=, deadline_ns);
    watch_quietly(&watched, NO_WAIT);
    expect_notice(&watched, TIMED_OUT);
    expect_ok(flow_write_view(watched.far, VIEW("after"), suite_soon()));
    expect_no_notice(&watched);
    suite_expect_read(watched.near, VIEW("after"));
    watched_close(&watched);
}

void flow_case_watch_is_taken_back(struct flow_fixture *fixture)
{
    struct watched watched;
    watched_open(&watched, fixture);
    watch_quietly(&watched, suite_quiet());
    flow_unwatch(watched.near, &watched.watch);
    expect(!watched.watch.armed);
    expect_ok(flow_write_view(watched.far, VIEW("unwatched"), suite_soon()));
    expect_no_notice(&watched);
    flow_unwatch(watched.near, &watched.watch);
    suite_expect_read(watched.near, VIEW("unwatched"));
    watched_close(&watched);
}

void flow_case_watch_is_taken_back_with_its_letter(struct flow_fixture *fixture)
{
    struct watched watched;
    watched_open(&watched, fixture);
    expect_ok(flow_write_view(watched.far, VIEW("sent"), suite_soon()));
    (void)fiber_sleep(SUITE_QUIET_NS);
    flow_watch(watched.near, &watched.watch, NEVER);
    (void)fiber_sleep(SUITE_QUIET_NS);
    expect(!mailbox_is_empty(&watched.mailbox) && !watched.watch.armed);
    flow_unwatch(watched.near, &watched.watch);
    expect(mailbox_is_empty(&watched.mailbox));
    flow_watch(watched.near, &watched.watch, NEVER);
    expect_notice(&watched, OK);
    watched_close(&watched);
}

void flow_case_watch_ends_with_the_flow(struct flow_fixture *fixture)
{
    struct watched watched;
    watched_open(&watched, fixture);
    watch_quietly(&watched, suite_quiet());
    watched_close(&watched);
    expect(!watched.watch.armed);
    expect_no_notice(&watched);
}

/* As a server does with a connection that is kept alive. */
void flow_case_watch_again_and_again(struct flow_fixture *fixture)
{
    struct watched watched;
    watched_open(&watched, fixture);
    for (unsigned i = 0; i < 100; i++) {
        watch_quietly(&watched, suite_soon());
        expect_ok(flow_write_view(watched.far, VIEW("again"), suite_soon()));
        expect_notice(&watched, OK);
        uint8_t bytes[5];
        size_t length_bytes;
        expect_ok(flow_read_whole(watched.near, SPAN_OF(bytes), &length_bytes, suite_soon()));
        expect_view(VIEW_OF(bytes), VIEW("again"));
    }
    watched_close(&watched);
}
