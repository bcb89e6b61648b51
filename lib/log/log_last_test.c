/* log_last_test.c - the last lines, in their order, cut, and no more of them than there is room
 * for.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log_last.h"

#include "base/writer.h"
#include "test/test.h"

static struct log_last last;

static void put_number(uint64_t number)
{
    uint8_t room[32];
    log_last_put(&last, format(SPAN_OF(room), "line %llu", (unsigned long long)number));
}

static void expect_lines(uint64_t first, size_t count)
{
    uint8_t room[32];
    expect_that(log_last_count(&last), ==, count);
    for (size_t i = 0; i < count; i++) {
        struct view line = format(SPAN_OF(room), "line %zu", (size_t)first + i);
        expect_view(log_last_line(&last, i), line);
    }
}

TEST(the_last_lines_are_kept_the_oldest_first)
{
    last = (struct log_last){ 0 };
    expect_lines(0, 0);
    for (uint64_t number = 0; number < 100; number++) {
        put_number(number);
        if (number < LOG_LAST_LINES) {
            expect_lines(0, number + 1);
        } else {
            expect_lines(number - LOG_LAST_LINES + 1, LOG_LAST_LINES);
        }
    }
}

TEST(a_line_is_cut_and_leaves_nothing_to_a_shorter_one)
{
    uint8_t room[LOG_LAST_BYTES + 1];
    last = (struct log_last){ 0 };
    span_fill(SPAN_OF(room), 'x');
    for (size_t length = LOG_LAST_BYTES + 1; length-- > 0;) {
        log_last_put(&last, view_from(room, length + 1));
        expect_view(log_last_line(&last, log_last_count(&last) - 1),
                    view_from(room, length < LOG_LAST_BYTES ? length + 1 : LOG_LAST_BYTES));
    }
    log_last_put(&last, VIEW(""));
    expect_view(log_last_line(&last, LOG_LAST_LINES - 1), VIEW(""));
}
