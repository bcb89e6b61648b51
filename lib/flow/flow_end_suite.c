/* flow_end_suite.c - cases for every flow: each way a connection can end.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"
#include "target/clock.h"

static void end_fixture(struct flow_fixture *fixture)
{
    if (fixture->close != NULL) fixture->close(fixture);
}

static void finish(struct flow_fixture *fixture, struct flow *near, struct flow *far)
{
    flow_close(near);
    flow_close(far);
    end_fixture(fixture);
}

static void expect_closed(struct flow *flow)
{
    uint8_t byte;
    size_t length_bytes;
    expect_result(flow_read(flow, SPAN_OF(byte), &length_bytes, suite_soon()), CLOSED);
    expect_result(flow_read(flow, SPAN_OF(byte), &length_bytes, NO_WAIT), CLOSED);
    expect_result(flow_read(flow, SPAN_OF(byte), &length_bytes, suite_soon()), CLOSED);
}

static void expect_bytes(struct flow *flow, struct view wanted)
{
    uint8_t bytes[64];
    size_t length_bytes;
    struct span room = span_first(SPAN_OF(bytes), wanted.length_bytes);
    expect_ok(flow_read_whole(flow, room, &length_bytes, suite_soon()));
    expect_view(span_view(room), wanted);
}

void flow_case_shut_leaves_the_other_way(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_view(near, VIEW("last words"), suite_soon()));
    expect_ok(flow_shut(near));
    expect_ok(flow_shut(near));
    expect_result(flow_write_view(near, VIEW("more"), suite_soon()), CLOSED);
    expect_bytes(far, VIEW("last words"));
    expect_closed(far);
    expect_ok(flow_write_view(far, VIEW("an answer"), suite_soon()));
    suite_expect_read(near, VIEW("an answer"));
    expect_ok(flow_shut(far));
    expect_closed(near);
    finish(fixture, near, far);
}

void flow_case_close_delivers_what_was_written(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_view(near, VIEW("written before the end"), suite_soon()));
    flow_close(near);
    expect_bytes(far, VIEW("written before the end"));
    expect_closed(far);
    flow_close(far);
    end_fixture(fixture);
}

void flow_case_last_bytes_go_with_the_close(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    const struct view views[] = { VIEW("the last "), VIEW("bytes") };
    size_t written_bytes;
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_view(near, VIEW("before "), suite_soon()));
    expect_ok(flow_write_last(near, views, LENGTH_OF(views), &written_bytes, suite_soon()));
    expect_that(written_bytes, ==, 14);
    flow_close(near);
    expect_bytes(far, VIEW("before the last bytes"));
    expect_closed(far);
    flow_close(far);
    end_fixture(fixture);
}

void flow_case_last_bytes_go_with_the_shut(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    const struct view last = VIEW("the last bytes");
    size_t written_bytes;
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_last(near, &last, 1, &written_bytes, suite_soon()));
    expect_ok(flow_shut(near));
    expect_bytes(far, last);
    expect_closed(far);
    expect_ok(flow_write_view(far, VIEW("an answer"), suite_soon()));
    expect_bytes(near, VIEW("an answer"));
    finish(fixture, near, far);
}

void flow_case_last_bytes_may_be_many(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_writer writer;
    size_t read_bytes = 0;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    suite_writer_start(&writer, &scope, near, fixture->held_bytes_max + 1, suite_soon());
    writer.writes_last = true;
    expect_result(suite_read_to_end(far, &read_bytes), CLOSED);
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_ok(writer.result);
    expect_that(read_bytes, ==, fixture->held_bytes_max + 1);
    expect_that(writer.written_bytes, ==, read_bytes);
    suite_writer_finish(&writer);
    finish(fixture, near, far);
}

/* The peer writes what is never read, and waits with its own reading. */
void flow_case_close_gently_resets_nobody(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_reader reader;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    expect_ok(flow_write_view(far, VIEW("nobody reads this"), suite_soon()));
    uint8_t answer[100];
    for (size_t i = 0; i < sizeof answer; i++)
        answer[i] = suite_byte(i);
    expect_ok(flow_write_view(near, VIEW_OF(answer), suite_soon()));
    expect_ok(flow_shut(far));
    suite_reader_start(&reader, &scope, far, SIZE_MAX);
    flow_close_gently(near, suite_soon());
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_result(reader.result, CLOSED);
    expect_that(reader.read_bytes, ==, sizeof answer);
    flow_close(far);
    end_fixture(fixture);
}

void flow_case_close_gently_has_a_deadline(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    fixture->open(fixture, &near, &far);
    uint64_t deadline_ns = suite_quiet();
    flow_close_gently(near, deadline_ns);
    expect_that(clock_monotonic_ns(), >=, deadline_ns);
    expect_closed(far);
    flow_close(far);
    end_fixture(fixture);
}

void flow_case_write_to_a_closed_peer_ends(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    enum result result = OK;
    uint64_t end_ns = suite_soon();
    fixture->open(fixture, &near, &far);
    flow_close(far);
    expect_closed(near);
    while (result == OK && clock_monotonic_ns() < end_ns) {
        result = flow_write_view(near, VIEW("is anybody there"), suite_soon());
        (void)fiber_sleep(MS_NS);
    }
    expect(result == CLOSED || result == FAILED);
    result = flow_write_view(near, VIEW("no"), suite_soon());
    expect(result == CLOSED || result == FAILED);
    flow_close(near);
    end_fixture(fixture);
}

void flow_case_abort_wakes_the_reader(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_reader reader;
    uint8_t byte;
    size_t length_bytes;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    suite_reader_start(&reader, &scope, near, SIZE_MAX);
    (void)fiber_sleep(SUITE_QUIET_NS);
    flow_abort(far);
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_result(reader.result, FAILED);
    expect_result(flow_read(near, SPAN_OF(byte), &length_bytes, suite_soon()), FAILED);
    expect(flow_write_view(near, VIEW("no"), suite_soon()) != OK);
    flow_close(near);
    end_fixture(fixture);
}

void flow_case_abort_wakes_the_writer(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_writer writer;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    suite_writer_start(&writer, &scope, near, fixture->held_bytes_max + 1, suite_soon());
    (void)fiber_sleep(SUITE_QUIET_NS);
    flow_abort(far);
    expect_ok(scope_wait(&scope, suite_soon()));
    expect(writer.result == FAILED || writer.result == CLOSED);
    suite_writer_finish(&writer);
    flow_close(near);
    end_fixture(fixture);
}
