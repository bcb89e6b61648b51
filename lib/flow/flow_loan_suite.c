/* flow_loan_suite.c - cases for every flow: bytes that change hands without a copy.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_suite.h"
#include "target/memory.h"

static void finish(struct flow_fixture *fixture, struct flow *near, struct flow *far)
{
    flow_close(near);
    flow_close(far);
    if (fixture->close != NULL) fixture->close(fixture);
}

/* ---- borrowing ---- */

/* Borrows until `wanted` has been seen, taking `step_bytes` at a time. */
static void expect_borrow(struct flow *flow, struct view wanted, size_t step_bytes)
{
    while (wanted.length_bytes > 0) {
        struct view bytes;
        expect_ok(flow_borrow(flow, &bytes, suite_soon()));
        size_t common_bytes = MIN(bytes.length_bytes, wanted.length_bytes);
        expect_view(view_first(bytes, common_bytes), view_first(wanted, common_bytes));
        size_t taken_bytes = MIN(step_bytes, common_bytes);
        flow_give_back(flow, taken_bytes);
        wanted = view_from_offset(wanted, taken_bytes);
    }
}

void flow_case_borrow_and_give_back_a_part(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct view bytes;
    if (fixture->no_borrow != NULL) test_skip(fixture->no_borrow);
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_view(far, VIEW("borrowed bytes, step by step"), suite_soon()));
    expect_borrow(near, VIEW("borrowed bytes, "), 3);
    suite_expect_read(near, VIEW("step by step"));
    expect_ok(flow_write_view(far, VIEW("abc"), suite_soon()));
    expect_ok(flow_borrow(near, &bytes, suite_soon()));
    flow_give_back(near, 0);
    expect_borrow(near, VIEW("abc"), 100);
    expect_result(flow_borrow(near, &bytes, NO_WAIT), TIMED_OUT);
    finish(fixture, near, far);
}

void flow_case_borrow_ends_as_read_does(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct view bytes;
    if (fixture->no_borrow != NULL) test_skip(fixture->no_borrow);
    fixture->open(fixture, &near, &far);
    expect_result(flow_borrow(near, &bytes, suite_quiet()), TIMED_OUT);
    expect_ok(flow_write_view(far, VIEW("end"), suite_soon()));
    expect_ok(flow_shut(far));
    expect_borrow(near, VIEW("end"), 1);
    expect_result(flow_borrow(near, &bytes, suite_soon()), CLOSED);
    expect_result(flow_borrow(near, &bytes, NO_WAIT), CLOSED);
    finish(fixture, near, far);
}

/* ---- lending ---- */

struct counted_loan {
    struct loan loan;
    struct span memory;
    unsigned done_count;
};

static void count_done(struct loan *loan)
{
    CONTAINER_OF(loan, struct counted_loan, loan)->done_count++;
}

/* A flow may learn a moment later that its bytes have come. */
static void expect_done(const struct counted_loan *counted)
{
    uint64_t soon_ns = suite_soon();
    while (counted->done_count == 0 && loop_now_ns() < soon_ns)
        (void)fiber_sleep(MS_NS);
    expect_that(counted->done_count, ==, 1);
}

static void loan_take(struct counted_loan *counted, size_t length_bytes)
{
    *counted = (struct counted_loan){ .loan.done = count_done };
    expect_ok(memory_take(length_bytes, &counted->memory));
    for (size_t i = 0; i < length_bytes; i++)
        counted->memory.bytes[i] = suite_byte(i);
    counted->loan.bytes = span_view(counted->memory);
}

static void loan_give_back(struct counted_loan *counted)
{
    memory_give_back(counted->memory);
}

void flow_case_lend_comes_in_order(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct counted_loan first = { .loan = { .bytes = VIEW("lent "), .done = count_done } };
    struct counted_loan second = { .loan = { .bytes = VIEW("twice "), .done = count_done } };
    uint8_t bytes[32];
    size_t length_bytes;
    fixture->open(fixture, &near, &far);
    expect_ok(flow_write_view(near, VIEW("written "), suite_soon()));
    expect_ok(flow_lend(near, &first.loan, suite_soon()));
    expect_ok(flow_read_whole(far, span_first(SPAN_OF(bytes), 13), &length_bytes, suite_soon()));
    expect_view(view_from(bytes, 13), VIEW("written lent "));
    expect_ok(flow_lend(near, &second.loan, suite_soon()));
    expect_ok(flow_read_whole(far, span_first(SPAN_OF(bytes), 6), &length_bytes, suite_soon()));
    expect_view(view_from(bytes, 6), VIEW("twice "));
    expect_ok(flow_write_view(near, VIEW("again"), suite_soon()));
    suite_expect_read(far, VIEW("again"));
    expect_done(&first);
    expect_done(&second);
    finish(fixture, near, far);
}

void flow_case_lend_more_than_fits(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_reader reader;
    struct counted_loan counted;
    size_t length_bytes = fixture->held_bytes_max + 1;
    fixture->open(fixture, &near, &far);
    loan_take(&counted, length_bytes);
    scope_open(&scope, "suite");
    expect_ok(flow_lend(near, &counted.loan, suite_soon()));
    expect_that(counted.done_count, ==, 0);
    suite_reader_start(&reader, &scope, far, length_bytes + 3);
    uint8_t tail[] = { suite_byte(length_bytes), suite_byte(length_bytes + 1),
                       suite_byte(length_bytes + 2) };
    expect_ok(flow_write_view(near, VIEW_OF(tail), suite_soon()));
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_done(&counted);
    expect(!reader.differs);
    expect_that(reader.read_bytes, ==, length_bytes + 3);
    loan_give_back(&counted);
    finish(fixture, near, far);
}

void flow_case_lend_without_room(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct counted_loan first, second;
    size_t read_bytes = 0;
    fixture->open(fixture, &near, &far);
    loan_take(&first, fixture->held_bytes_max + 1);
    loan_take(&second, 1);
    expect_ok(flow_lend(near, &first.loan, suite_soon()));
    expect_result(flow_lend(near, &second.loan, NO_WAIT), TIMED_OUT);
    expect_result(flow_lend(near, &second.loan, suite_quiet()), TIMED_OUT);
    expect_ok(flow_shut(near));
    expect_result(suite_read_to_end(far, &read_bytes), CLOSED);
    expect_that(read_bytes, ==, first.loan.bytes.length_bytes);
    expect_result(flow_lend(near, &second.loan, suite_soon()), CLOSED);
    expect_done(&first);
    expect_that(second.done_count, ==, 0);
    loan_give_back(&first);
    loan_give_back(&second);
    finish(fixture, near, far);
}

/* Whether the flow takes it or has no room: what was written comes first, and nothing twice. */
void flow_case_lend_behind_what_waits(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct scope scope;
    struct suite_writer writer;
    struct counted_loan counted;
    size_t read_bytes = 0;
    fixture->open(fixture, &near, &far);
    scope_open(&scope, "suite");
    suite_writer_start(&writer, &scope, near, fixture->held_bytes_max + 1, suite_quiet());
    expect_ok(scope_wait(&scope, suite_soon()));
    expect_result(writer.result, TIMED_OUT);
    size_t written_bytes = writer.written_bytes;
    loan_take(&counted, written_bytes + 10);
    counted.loan.bytes = view_from_offset(counted.loan.bytes, written_bytes);
    enum result result = flow_lend(near, &counted.loan, suite_quiet());
    expect(result == OK || result == TIMED_OUT);
    expect_ok(flow_shut(near));
    expect_result(suite_read_to_end(far, &read_bytes), CLOSED);
    expect_that(read_bytes, ==, written_bytes + (result == OK ? 10 : 0));
    if (result == OK) expect_done(&counted);
    expect_that(counted.done_count, ==, (result == OK ? 1 : 0));
    suite_writer_finish(&writer);
    loan_give_back(&counted);
    finish(fixture, near, far);
}

void flow_case_lend_then_shut(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct counted_loan counted;
    size_t read_bytes = 0;
    fixture->open(fixture, &near, &far);
    loan_take(&counted, fixture->held_bytes_max + 1);
    expect_ok(flow_lend(near, &counted.loan, suite_soon()));
    expect_ok(flow_shut(near));
    expect_ok(flow_shut(near));
    expect_result(suite_read_to_end(far, &read_bytes), CLOSED);
    expect_that(read_bytes, ==, fixture->held_bytes_max + 1);
    expect_done(&counted);
    loan_give_back(&counted);
    finish(fixture, near, far);
}

void flow_case_lend_then_abort(struct flow_fixture *fixture)
{
    struct flow *near, *far;
    struct counted_loan counted;
    size_t read_bytes = 0;
    fixture->open(fixture, &near, &far);
    loan_take(&counted, fixture->held_bytes_max + 1);
    expect_ok(flow_lend(near, &counted.loan, suite_soon()));
    flow_abort(near);
    expect_done(&counted);
    loan_give_back(&counted);
    expect_result(suite_read_to_end(far, &read_bytes), FAILED);
    flow_close(far);
    if (fixture->close != NULL) fixture->close(fixture);
}
