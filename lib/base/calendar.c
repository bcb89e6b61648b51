/* calendar.c - the Gregorian calendar, in years that begin in March.
 *
 * A leap day is then the last day of its year, so that the days before a month do not depend on the
 * year. Such years come in cycles:
 *
 *     | 400 years: 146,097 days                                                    |
 *     | 100 years: 36,524 | 36,524 | 36,524 | 36,525, with the 400th year's leap day |
 *     | 4 years: 1,461 | 1,461 | ... 24 in all                   | 1,460 or 1,461   |
 *     | 365 | 365 | 365 | 366 |
 *
 * SPDX-License-Identifier: ISC */
#include "base/calendar.h"

#include <stdbool.h>

#include "base/units.h"

#define DAY_S           86400u
#define YEAR_DAYS       365u
#define FOUR_YEARS_DAYS 1461u
#define CENTURY_DAYS    36524u
#define CYCLE_DAYS      146097u

/* From 1 March of the year 0 to 1 January 1970, which was a Thursday. */
#define EPOCH_DAYS    719468u
#define EPOCH_WEEKDAY 4u

/* From March to February. */
static const uint16_t days_before_month[12] = { 0,   31,  61,  92,  122, 153,
                                                184, 214, 245, 275, 306, 337 };

static bool is_leap_year(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month - 1] + (month == 2 && is_leap_year(year) ? 1u : 0u);
}

static void set_date(struct calendar *calendar, unsigned days)
{
    unsigned year = days / CYCLE_DAYS * 400;
    days %= CYCLE_DAYS;

    unsigned centuries = MIN(days / CENTURY_DAYS, 3u);
    year += centuries * 100;
    days -= centuries * CENTURY_DAYS;

    year += days / FOUR_YEARS_DAYS * 4;
    days %= FOUR_YEARS_DAYS;

    unsigned years = MIN(days / YEAR_DAYS, 3u);
    year += years;
    days -= years * YEAR_DAYS;

    unsigned month = 11;
    while (days < days_before_month[month])
        month--;
    bool is_next_year = month >= 10; /* January and February */
    calendar->year = (uint16_t)(is_next_year ? year + 1 : year);
    calendar->month = (uint8_t)(is_next_year ? month - 9 : month + 3);
    calendar->day = (uint8_t)(days - days_before_month[month] + 1);
}

COLD struct calendar calendar_from_ns(uint64_t wall_ns)
{
    uint64_t seconds = wall_ns / S_NS;
    unsigned days = (unsigned)(seconds / DAY_S);
    unsigned of_day = (unsigned)(seconds % DAY_S);
    struct calendar calendar = {
        .hour = (uint8_t)(of_day / 3600),
        .minute = (uint8_t)(of_day / 60 % 60),
        .second = (uint8_t)(of_day % 60),
        .weekday = (uint8_t)((days + EPOCH_WEEKDAY) % 7),
    };
    set_date(&calendar, days + EPOCH_DAYS);
    return calendar;
}

static bool is_valid(const struct calendar *c)
{
    if (c->year < 1970 || c->month < 1 || c->month > 12) return false;
    if (c->day < 1 || c->day > days_of_month(c->year, c->month)) return false;
    return c->hour < 24 && c->minute < 60 && c->second <= 60;
}

static unsigned days_since_epoch(const struct calendar *c)
{
    unsigned year = c->month < 3 ? c->year - 1u : c->year;
    unsigned month = c->month < 3 ? c->month + 9u : c->month - 3u;
    return year * YEAR_DAYS + year / 4 - year / 100 + year / 400 + days_before_month[month] +
           c->day - 1u - EPOCH_DAYS;
}

enum result calendar_to_ns(const struct calendar *calendar, uint64_t *wall_ns)
{
    if (!is_valid(calendar)) return INVALID;
    unsigned of_day = calendar->hour * 3600u + calendar->minute * 60u + calendar->second;
    uint64_t seconds = (uint64_t)days_since_epoch(calendar) * DAY_S + of_day;
    uint64_t sum_ns;
    if (__builtin_mul_overflow(seconds, S_NS, &sum_ns)) return INVALID;
    *wall_ns = sum_ns;
    return OK;
}
