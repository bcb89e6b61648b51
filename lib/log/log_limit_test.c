/* log_limit_test.c - the bound on what a place may log.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log_limit.h"

#include "test/test.h"

#define SECOND LOG_SECOND_NS

static struct log_limit limit;
static const struct log_place places[4 * LOG_BUCKETS];

static void begin(uint64_t burst_count)
{
    span_fill(SPAN_OF(limit), 0);
    limit.burst_count = burst_count;
}

/* How many of `tries` lines are admitted. */
static unsigned admitted(const struct log_place *place, unsigned tries, uint64_t now_ns)
{
    unsigned count = 0;
    for (unsigned i = 0; i < tries; i++)
        count += log_limit_admits(&limit, place, "words", now_ns);
    return count;
}

TEST(log_limit_bounds_each_place_by_itself)
{
    begin(3);
    expect_that(admitted(&places[0], 10, 5), ==, 3);
    expect_that(admitted(&places[1], 2, 5), ==, 2);
    expect_that(admitted(&places[1], 2, 5), ==, 1);
    expect_that(limit.held_back, ==, 8);
}

TEST(log_limit_begins_anew_with_each_second)
{
    begin(2);
    expect_that(admitted(&places[0], 3, 5), ==, 2);
    expect_that(admitted(&places[0], 3, 4 + SECOND), ==, 0);
    expect_that(admitted(&places[0], 3, 5 + SECOND), ==, 2);
}

TEST(log_limit_tells_what_was_held_back_once_the_second_is_over)
{
    struct log_held_back lines;
    begin(1);
    expect_that(log_limit_next_ns(&limit), ==, NEVER);
    expect_that(admitted(&places[0], 5, 100), ==, 1);
    expect_that(admitted(&places[1], 3, 50), ==, 1);
    expect_that(log_limit_next_ns(&limit), ==, 50 + SECOND);
    expect(!log_limit_take_over(&limit, 49 + SECOND, &lines));

    expect(log_limit_take_over(&limit, 50 + SECOND, &lines));
    expect(lines.place == &places[1]);
    expect_that(lines.count, ==, 2);
    expect_view(view_from_string(lines.words), VIEW("words"));
    expect(!log_limit_take_over(&limit, 50 + SECOND, &lines));

    expect_that(log_limit_next_ns(&limit), ==, 100 + SECOND);
    expect(log_limit_take_over(&limit, 100 + SECOND, &lines));
    expect(lines.place == &places[0]);
    expect_that(lines.count, ==, 4);
    expect(!log_limit_take_over(&limit, NEVER, &lines));
    expect_that(log_limit_next_ns(&limit), ==, NEVER);
    expect_that(limit.held_back, ==, 0);
}

/* More places than buckets: everything is admitted or counted, and nothing is told twice. */
TEST(log_limit_stays_bounded_with_many_places)
{
    uint64_t said = 0, told = 0;
    struct log_held_back lines;
    begin(2);
    for (size_t i = 0; i < LENGTH_OF(places); i++)
        said += admitted(&places[i], 5, 7);
    expect_that(said, <=, 2 * LOG_BUCKETS);
    expect_that(said, >=, LOG_BUCKETS);
    while (log_limit_take_over(&limit, NEVER, &lines))
        told += lines.count;
    expect_that(said + told, ==, 5 * LENGTH_OF(places));
}

/* Places that were silent for a second give their buckets to others. */
TEST(log_limit_reuses_buckets)
{
    begin(1);
    for (size_t i = 0; i < LENGTH_OF(places); i++)
        expect_that(admitted(&places[i], 1, i * SECOND), ==, 1);
    expect_that(limit.held_back, ==, 0);
}
