/* calendar.h - nanoseconds since 1970 as a date and a time of day in UTC, and back.
 *
 * The proleptic Gregorian calendar without leap seconds, as POSIX counts: every day has 86,400
 * seconds.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CALENDAR_H
#define LOOM_CALENDAR_H

#include <stdint.h>

#include "base/result.h"

struct calendar {
    uint16_t year;
    uint8_t month;   /* 1 to 12 */
    uint8_t day;     /* 1 to 31 */
    uint8_t hour;    /* 0 to 23 */
    uint8_t minute;  /* 0 to 59 */
    uint8_t second;  /* 0 to 59, and 60 in what calendar_to_ns is given */
    uint8_t weekday; /* 0: Sunday, to 6: Saturday */
};

/* 1970 to 2554, which is all that 64 bits of nanoseconds hold; what is below a second is dropped.
 */
struct calendar calendar_from_ns(uint64_t wall_ns);

/* The weekday is not looked at; a leap second (60) counts as the first second after it. INVALID: a
 * day that is not in the calendar, a time that is not on the clock, a moment before 1970 or after
 * 2554; *wall_ns is as before. */
enum result calendar_to_ns(const struct calendar *calendar, uint64_t *wall_ns) CHECKED;

#endif
