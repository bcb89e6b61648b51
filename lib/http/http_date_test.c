/* http_date_test.c - dates in all three forms (RFC 9110 5.6.7).
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_date.h"
#include "target/clock.h"
#include "test/test.h"

#define EXAMPLE_S ((uint64_t)784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW_NS    (S_NS * 1764000000)   /* in November 2025 */

static void reads(struct view text, uint64_t wanted_s)
{
    uint64_t wall_ns;
    struct view guarded = test_guarded(text);
    expect_ok(http_date_parse(guarded, NOW_NS, &wall_ns));
    expect_that(wall_ns, ==, wanted_s * S_NS);
}

TEST(http_date_reads_three_forms)
{
    reads(VIEW("Sun, 06 Nov 1994 08:49:37 GMT"), EXAMPLE_S);
    reads(VIEW("Sunday, 06-Nov-94 08:49:37 GMT"), EXAMPLE_S);
    reads(VIEW("Sun Nov  6 08:49:37 1994"), EXAMPLE_S);
    reads(VIEW("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    reads(VIEW("Thu Feb 29 23:59:59 2024"), 1709251199);
    /* Two digits of a year are at most 50 years ahead. */
    reads(VIEW("Sunday, 01-Jan-75 00:00:00 GMT"), 3313526400);
    reads(VIEW("Thursday, 01-Jan-76 00:00:00 GMT"), 189302400);
}

TEST(http_date_refuses)
{
    const struct view bad[] = {
        VIEW(""),
        VIEW("Sun"),
        VIEW("0"),
        VIEW("Sun, 06 Nov 1994 08:49:37"),
        VIEW("Sun, 06 Nov 1994 08:49:37 UTC"),
        VIEW("Sun, 06 Nov 1994 08:49:37 GMT "),
        VIEW("Sun, 6 Nov 1994 08:49:37 GMT"),
        VIEW("Sun, 06 nov 1994 08:49:37 GMT"),
        VIEW("Sun, 31 Feb 1994 08:49:37 GMT"),
        VIEW("Sun, 06 Nov 1994 24:49:37 GMT"),
        VIEW("Sun, 06 Nov 1969 08:49:37 GMT"),
        VIEW("Xyz, 06 Nov 1994 08:49:37 GMT"),
        VIEW("Sunny, 06-Nov-94 08:49:37 GMT"),
        VIEW("Sunday, 06-Nov-1994 08:49:37 GMT"),
        VIEW("Sun Nov 6 08:49:37 1994"),
        VIEW("Sun Nov  6 08:49:37 1994 GMT"),
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        uint64_t wall_ns;
        expect_result(http_date_parse(test_guarded(bad[i]), NOW_NS, &wall_ns), INVALID);
    }
}

TEST(http_date_reads_what_it_writes)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t room[HTTP_DATE_BYTES];
        uint64_t wall_s = test_random(&state) % 16725225600; /* to the year 2500 */
        uint64_t wall_ns;
        struct view text = http_date_write(room, wall_s * S_NS + 999);
        expect_that(text.length_bytes, ==, HTTP_DATE_BYTES);
        expect_ok(http_date_parse(text, NOW_NS, &wall_ns));
        expect_that(wall_ns, ==, wall_s * S_NS);
    }
}

TEST(http_date_is_cached_for_its_second)
{
    struct http_date_cache cache = { 0 };
    uint8_t room[HTTP_DATE_BYTES];
    struct view text = http_date_now(&cache, 1);
    uint64_t wall_ns;
    expect_ok(http_date_parse(text, NOW_NS, &wall_ns));
    expect_that(clock_wall_ns() - wall_ns, <, 2 * S_NS);
    expect_that(cache.until_ns, >, 1);
    expect_that(cache.until_ns, <=, 1 + S_NS);
    span_fill(SPAN_OF(cache.text), 'x');
    span_fill(SPAN_OF(room), 'x');
    expect_view(http_date_now(&cache, cache.until_ns - 1), view_from(room, sizeof room));
    expect(!view_equal(http_date_now(&cache, cache.until_ns), view_from(room, sizeof room)));
}
