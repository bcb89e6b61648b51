/* flow_suite.c - cases for every flow: bytes, deadlines, cancellation.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"

#include "target/clock.h"
#include "target/memory.h"

#define ROOM_BYTES_MAX 512

/* ---- tools ---- */

uint64_t suite_soon(void)
{
    return clock_monotonic_ns() + SUITE_SOON_NS;
}

uint64_t suite_quiet(void)
{
    return clock_monotonic_ns() + SUITE_QUIET_NS;
}

uint8_t suite_byte(size_t offset_bytes)
{
    return (uint8_t)(offset_bytes * 7 + (offset_bytes >> 8) * 31 + (offset_bytes >> 16));
}

static void writer_run(struct task *task)
{
    struct suite_writer *writer = CONTAINER_OF(task, struct suite_writer, task);
    struct view view = span_view(writer->memory);
    if (writer->writes_last) {
        writer->result = flow_write_last(writer->flow, &view, 1, &writer->written_bytes,
                                         writer->deadline_ns);
        if (writer->result == OK) writer->result = flow_shut(writer->flow);
        return;
    }
    writer->result = flow_write_counted(writer->flow, &view, 1, &writer->written_bytes,
                                        writer->deadline_ns);
}

void suite_writer_start(struct suite_writer *writer, struct scope *scope, struct flow *flow,
                        size_t length_bytes, uint64_t deadline_ns)
{
    *writer = (struct suite_writer){ .task.run = writer_run,
                                     .flow = flow,
                                     .length_bytes = length_bytes,
                                     .deadline_ns = deadline_ns };
    expect_ok(memory_take(length_bytes, &writer->memory));
    for (size_t i = 0; i < length_bytes; i++)
        writer->memory.bytes[i] = suite_byte(i);
    expect_ok(fiber_start(scope, &writer->task, "suite_writer", STACK_MEDIUM));
}

void suite_writer_finish(struct suite_writer *writer)
{
    memory_give_back(writer->memory);
}

static bool is_stream(struct view view, size_t offset_bytes)
{
    for (size_t i = 0; i < view.length_bytes; i++) {
        if (view.bytes[i] != suite_byte(offset_bytes + i)) return false;
    }
    return true;
}

static void reader_run(struct task *task)
{
    struct suite_reader *reader = CONTAINER_OF(task, struct suite_reader, task);
    uint8_t bytes[ROOM_BYTES_MAX];
    while (reader->read_bytes < reader->length_bytes) {
        struct span room = span_first(SPAN_OF(bytes), reader->room_bytes);
        size_t length_bytes;
        if (reader->pause_ns > 0) (void)fiber_sleep(reader->pause_ns);
        reader->result = flow_read(reader->flow, room, &length_bytes, reader->deadline_ns);
        if (reader->result != OK) return;
        if (!is_stream(view_from(bytes, length_bytes), reader->read_bytes)) reader->differs = true;
        reader->read_bytes += length_bytes;
    }
}

void suite_reader_start(struct suite_reader *reader, struct scope *scope, struct flow *flow,
                        size_t length_bytes)
{
    *reader = (struct suite_reader){ .task.run = reader_run,
                                     .flow = flow,
                                     .length_bytes = length_bytes,
                                     .room_bytes = ROOM_BYTES_MAX,
                                     .deadline_ns = suite_soon() };
    expect_ok(fiber_start(scope, &reader->task, "suite_reader", STACK_MEDIUM));
}

void suite_expect_read(struct flow *flow, struct view wanted)
{
    uint8_t bytes[ROOM_BYTES_MAX];
    size_t length_bytes;
    struct span room = span_first(SPAN_OF(bytes), wanted.length_bytes);
    expect_ok(flow_read_whole(flow, room, &length_bytes, suite_soon()));
    expect_view(span_view(room), wanted);
    expect_result(flow_read(flow, SPAN_OF(bytes), &length_bytes, suite_quiet()), TIMED_OUT);
}

enum result suite_read_to_end(struct flow *flow, size_t *offset_bytes)
{
    uint8_t bytes[ROOM_BYTES_MAX];
    size_t length_bytes;
    enum result result;
    while ((result = flow_read(flow, SPAN_OF(bytes), &length_bytes, suite_soon())) == OK) {
        expect(is_stream(view_from(bytes, length_bytes), *offset_bytes));
        *offset_bytes += length_bytes;
    }
    return result;
}

static void finish(struct flow_fixture *fixture, struct flow *near, struct flow *far)
{
    flow_close(near);
    flow_close(far);
    if (fixture->close != NULL) fixture->close(fixture);
}

/* ---- bytes ---- */

void flow_case_carries_views_in_order(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    const struct view views[] = { VIEW("one "), VIEW(""), VIEW("two "), VIEW("three") };
    struct view many[FLOW_VIEWS_MAX];
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write(near, views, LENGTH_OF(views), suite_soon()));
    suite_expect_read(far, VIEW("one two three"));
    for (size_t i = 0; i < LENGTH_OF(many); i++)
        many[i] = VIEW("ab");
    expect_ok(flow_write(far, many, LENGTH_OF(many), suite_soon()));
    suite_expect_read(near, VIEW("abababababababababababababababab"));
    expect_ok(flow_write_view(near, VIEW(""), NO_WAIT));
    finish(fixture, near, far);
}

void flow_case_read_takes_what_fits(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    uint8_t bytes[4];
    size_t length_bytes;
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_view(near, VIEW("abcdefghij"), suite_soon()));
    expect_ok(flow_read_whole(far, SPAN_OF(bytes), &length_bytes, suite_soon()));
    expect_view(VIEW_OF(bytes), VIEW("abcd"));
    expect_ok(flow_read(far, span_first(SPAN_OF(bytes), 1), &length_bytes, suite_soon()));
    expect(bytes[0] == 'e');
    suite_expect_read(far, VIEW("fghij"));
    finish(fixture, near, far);
}

void flow_case_read_without_waiting(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    uint8_t bytes[8];
    size_t length_bytes;
    enum result result;
    uint64_t end_ns = suite_soon();
    fixture->open(fixture, &near, &far);
    expect_result(flow_read(near, SPAN_OF(bytes), &length_bytes, NO_WAIT), TIMED_OUT);
    expect_ok(flow_write_view(far, VIEW("now"), suite_soon()));
    do {
        result = flow_read(near, SPAN_OF(bytes), &length_bytes, NO_WAIT);
        if (result == TIMED_OUT) (void)fiber_sleep(US_NS);
    } while (result == TIMED_OUT && clock_monotonic_ns() < end_ns);
    expect_ok(result);
    expect(bytes[0] == 'n');
    finish(fixture, near, far);
}

void flow_case_read_times_out(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    uint8_t bytes[8];
    size_t length_bytes;
    fixture->open(fixture, &near, &far);
    uint64_t deadline_ns = clock_monotonic_ns() + SUITE_QUIET_NS;
    expect_result(flow_read(near, SPAN_OF(bytes), &length_bytes, deadline_ns), TIMED_OUT);
    expect_that(clock_monotonic_ns(), >=, deadline_ns);
    expect_result(flow_read(near, SPAN_OF(bytes), &length_bytes, deadline_ns), TIMED_OUT);
    expect_ok(flow_write_view(far, VIEW("late"), suite_soon()));
    suite_expect_read(near, VIEW("late"));
    finish(fixture, near, far);
}

void flow_case_read_whole(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    uint8_t bytes[8];
    size_t length_bytes;
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_view(far, VIEW("12345678abc"), suite_soon()));
    expect_ok(flow_read_whole(near, SPAN_OF(bytes), &length_bytes, suite_soon()));
    expect_view(VIEW_OF(bytes), VIEW("12345678"));
    expect_result(flow_read_whole(near, SPAN_OF(bytes), &length_bytes, suite_quiet()), TIMED_OUT);
    expect_that(length_bytes, ==, 3);
    expect_ok(flow_write_view(far, VIEW("xy"), suite_soon()));
    expect_ok(flow_shut(far));
    expect_result(flow_read_whole(near, SPAN_OF(bytes), &length_bytes, suite_soon()), CLOSED);
    expect_that(length_bytes, ==, 2);
    finish(fixture, near, far);
}

/* ---- waiting ---- */

/* A fiber that is cancelled while it waits, and what it then gets. */
struct cancelled {
    struct task task;
    struct flow *flow;
    struct span memory;
    bool writes;
    enum result first, second;
};

static enum result wait_once(struct cancelled *cancelled)
{
    uint8_t bytes[8];
    size_t length_bytes;
    if (cancelled->writes)
        return flow_write_view(cancelled->flow, span_view(cancelled->memory), NEVER);
    return flow_read(cancelled->flow, SPAN_OF(bytes), &length_bytes, NEVER);
}

static void cancelled_run(struct task *task)
{
    struct cancelled *cancelled = CONTAINER_OF(task, struct cancelled, task);
    cancelled->first = wait_once(cancelled);
    cancelled->second = wait_once(cancelled);
}

static void cancel_while_waiting(struct cancelled *cancelled)
{
    struct scope scope;
    scope_open(&scope, "suite");
    cancelled->task.run = cancelled_run;
    expect_ok(fiber_start(&scope, &cancelled->task, "cancelled", STACK_MEDIUM));
    (void)fiber_sleep(SUITE_QUIET_NS);
    expect(!list_is_empty(&scope.fibers));
    scope_close(&scope);
    expect_result(cancelled->first, CANCELLED);
    expect_result(cancelled->second, CANCELLED);
}

void flow_case_read_is_cancelled(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    fixture->open(fixture, &near, &far);
    struct cancelled cancelled = { .flow = near };
    cancel_while_waiting(&cancelled);
    expect_ok(flow_write_view(far, VIEW("still here"), suite_soon()));
    suite_expect_read(near, VIEW("still here"));
    finish(fixture, near, far);
}

void flow_case_write_is_cancelled(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    fixture->open(fixture, &near, &far);
    struct cancelled cancelled = { .flow = near, .writes = true };
    expect_ok(memory_take(fixture->held_bytes_max + 1, &cancelled.memory));
    cancel_while_waiting(&cancelled);
    memory_give_back(cancelled.memory);
    finish(fixture, near, far);
}

void flow_case_write_times_out_and_counts(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_writer writer;
    size_t read_bytes = 0;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    suite_writer_start(&writer, &scope, near, fixture->held_bytes_max + 1, suite_quiet());
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_result(writer.result, TIMED_OUT);
    expect_that(writer.written_bytes, <, writer.length_bytes);
    struct view rest = view_from_offset(span_view(writer.memory), writer.written_bytes);
    size_t more_bytes;
    expect_result(flow_write_counted(near, &rest, 1, &more_bytes, NO_WAIT), TIMED_OUT);
    expect_ok(flow_shut(near));
    expect_result(suite_read_to_end(far, &read_bytes), CLOSED);
    expect_that(read_bytes, ==, writer.written_bytes + more_bytes);
    suite_writer_finish(&writer);
    finish(fixture, near, far);
}

void flow_case_slow_reader_gets_all(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_writer writer;
    struct suite_reader reader;
    size_t length_bytes = fixture->held_bytes_max + 100000;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    suite_writer_start(&writer, &scope, near, length_bytes, suite_soon());
    (void)fiber_sleep(SUITE_QUIET_NS);
    suite_reader_start(&reader, &scope, far, length_bytes);
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_ok(writer.result);
    expect_ok(reader.result);
    expect(!reader.differs);
    expect_that(writer.written_bytes, ==, length_bytes);
    expect_that(reader.read_bytes, ==, length_bytes);
    suite_writer_finish(&writer);
    finish(fixture, near, far);
}

/* Two fibers on each end, in rooms of odd sizes. */
void flow_case_both_ways_at_once(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_writer writers[2];
    struct suite_reader readers[2];
    size_t length_bytes = fixture->held_bytes_max + 50000;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    suite_writer_start(&writers[0], &scope, near, length_bytes, suite_soon());
    suite_writer_start(&writers[1], &scope, far, length_bytes, suite_soon());
    suite_reader_start(&readers[0], &scope, far, length_bytes);
    suite_reader_start(&readers[1], &scope, near, length_bytes);
    readers[0].room_bytes = 389;
    readers[1].room_bytes = 511;
    expect_ok(scope_wait(&scope, suite_soon()));
    for (size_t i = 0; i < LENGTH_OF(readers); i++) {
        expect_ok(writers[i].result);
        expect(!readers[i].differs);
        expect_that(readers[i].read_bytes, ==, length_bytes);
        suite_writer_finish(&writers[i]);
    }
    finish(fixture, near, far);
}
