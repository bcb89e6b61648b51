/* calendar_test.c - the calendar against dates that are known, against a count day by day, and
 * against libc.
 *
 * SPDX-License-Identifier: ISC */
#include "base/calendar.h"

#include <time.h>

#include "base/units.h"
#include "test/test.h"

#define DAY_NS (86400 * S_NS)

static struct calendar date(uint16_t year, uint8_t month, uint8_t day)
{
    return (struct calendar){ .year = year, .month = month, .day = day };
}

static struct calendar moment(struct calendar day, unsigned hour, unsigned minute, unsigned second,
                              unsigned weekday)
{
    day.hour = (uint8_t)hour;
    day.minute = (uint8_t)minute;
    day.second = (uint8_t)second;
    day.weekday = (uint8_t)weekday;
    return day;
}

static uint64_t to_ns(struct calendar calendar)
{
    uint64_t wall_ns = 0;
    expect_ok(calendar_to_ns(&calendar, &wall_ns));
    return wall_ns;
}

static void expect_same(const struct calendar *got, const struct calendar *wanted)
{
    expect_that(got->year, ==, wanted->year);
    expect_that(got->month, ==, wanted->month);
    expect_that(got->day, ==, wanted->day);
    expect_that(got->hour, ==, wanted->hour);
    expect_that(got->minute, ==, wanted->minute);
    expect_that(got->second, ==, wanted->second);
    expect_that(got->weekday, ==, wanted->weekday);
}

TEST(calendar_begins_on_a_thursday)
{
    struct calendar got = calendar_from_ns(0);
    struct calendar wanted = moment(date(1970, 1, 1), 0, 0, 0, 4);
    expect_same(&got, &wanted);
}

/* The example of RFC 9110 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT. */
TEST(calendar_knows_the_example_of_http)
{
    struct calendar wanted = moment(date(1994, 11, 6), 8, 49, 37, 0);
    struct calendar got = calendar_from_ns(784111777 * S_NS);
    expect_same(&got, &wanted);
    expect_that(to_ns(wanted), ==, 784111777 * S_NS);
}

TEST(calendar_ends_in_2554)
{
    struct calendar got = calendar_from_ns(UINT64_MAX);
    struct calendar wanted = moment(date(2554, 7, 21), 23, 34, 33, 0);
    expect_same(&got, &wanted);
    expect_that(to_ns(got), ==, UINT64_MAX / S_NS * S_NS);
    uint64_t wall_ns = 7;
    got.second++;
    expect_result(calendar_to_ns(&got, &wall_ns), INVALID);
    expect_that(wall_ns, ==, 7);
}

static bool leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Every day there is, counted with the rule of the calendar alone. */
TEST(calendar_counts_every_day)
{
    static const uint8_t lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct calendar wanted = moment(date(1970, 1, 1), 0, 0, 0, 4);
    for (uint64_t day = 0; day <= UINT64_MAX / DAY_NS; day++) {
        struct calendar got = calendar_from_ns(day * DAY_NS);
        expect_same(&got, &wanted);
        expect_that(to_ns(got), ==, day * DAY_NS);

        unsigned length = lengths[wanted.month - 1];
        if (wanted.month == 2 && leap(wanted.year)) length++;
        wanted.weekday = (uint8_t)((wanted.weekday + 1) % 7);
        if (wanted.day++ < length) continue;
        wanted.day = 1;
        if (wanted.month++ < 12) continue;
        wanted.month = 1;
        wanted.year++;
    }
}

TEST(calendar_agrees_with_libc)
{
    uint64_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t wall_ns = test_random(&seed);
        time_t seconds = (time_t)(wall_ns / S_NS);
        struct tm tm;
        expect(gmtime_r(&seconds, &tm) != NULL);
        struct calendar got = calendar_from_ns(wall_ns);
        struct calendar wanted = moment(
            date((uint16_t)(tm.tm_year + 1900), (uint8_t)(tm.tm_mon + 1), (uint8_t)tm.tm_mday),
            (unsigned)tm.tm_hour, (unsigned)tm.tm_min, (unsigned)tm.tm_sec, (unsigned)tm.tm_wday);
        expect_same(&got, &wanted);
        expect_that(to_ns(got), ==, (uint64_t)seconds * S_NS);
    }
}

static void expect_invalid(struct calendar calendar)
{
    uint64_t wall_ns = 7;
    expect_result(calendar_to_ns(&calendar, &wall_ns), INVALID);
    expect_that(wall_ns, ==, 7);
}

TEST(calendar_refuses_what_is_no_date)
{
    expect_invalid(date(1969, 12, 31));
    expect_invalid(date(0, 1, 1));
    expect_invalid(date(2555, 1, 1));
    expect_invalid(date(9999, 12, 31));
    expect_invalid(date(2000, 0, 1));
    expect_invalid(date(2000, 13, 1));
    expect_invalid(date(2000, 1, 0));
    expect_invalid(date(2000, 1, 32));
    expect_invalid(date(2000, 4, 31));
    expect_invalid(date(2001, 2, 29));
    expect_invalid(date(2100, 2, 29));
    (void)to_ns(date(2000, 2, 29));
    (void)to_ns(date(2400, 2, 29));
}

TEST(calendar_refuses_what_is_no_time)
{
    expect_invalid((struct calendar){ .year = 2000, .month = 1, .day = 1, .hour = 24 });
    expect_invalid((struct calendar){ .year = 2000, .month = 1, .day = 1, .minute = 60 });
    expect_invalid((struct calendar){ .year = 2000, .month = 1, .day = 1, .second = 61 });
}

TEST(calendar_counts_a_leap_second_as_the_next)
{
    struct calendar leap_second = moment(date(2016, 12, 31), 23, 59, 60, 6);
    expect_that(to_ns(leap_second), ==, to_ns(date(2017, 1, 1)));
}
