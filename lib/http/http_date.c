/* http_date.c - writes and reads the dates of HTTP.
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate: what is written
 *     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850: only read
 *     Sun Nov  6 08:49:37 1994           asctime: only read
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_date.h"

#include "base/calendar.h"
#include "base/cursor.h"
#include "base/units.h"
#include "base/writer.h"
#include "target/clock.h"

/* Three letters each, the rest of a weekday's name behind them. */
static const char *const day_names[7] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                          "Thursday", "Friday", "Saturday" };
static const char *const month_names[12] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static void put_two_digits(struct writer *writer, unsigned value)
{
    writer_put_u8(writer, (uint8_t)('0' + value / 10));
    writer_put_u8(writer, (uint8_t)('0' + value % 10));
}

struct view http_date_write(uint8_t room[HTTP_DATE_BYTES], uint64_t wall_ns)
{
    struct calendar date = calendar_from_ns(wall_ns);
    struct writer writer = writer_over(span_from(room, HTTP_DATE_BYTES));
    writer_put(&writer, view_first(view_from_string(day_names[date.weekday]), 3));
    writer_put(&writer, VIEW(", "));
    put_two_digits(&writer, date.day);
    writer_put(&writer, VIEW(" "));
    writer_put(&writer, view_from_string(month_names[date.month - 1]));
    writer_put(&writer, VIEW(" "));
    writer_put_decimal(&writer, date.year);
    const unsigned times[3] = { date.hour, date.minute, date.second };
    for (size_t i = 0; i < 3; i++) {
        writer_put(&writer, i == 0 ? VIEW(" ") : VIEW(":"));
        put_two_digits(&writer, times[i]);
    }
    writer_put(&writer, VIEW(" GMT"));
    return writer_view(&writer);
}

struct view http_date_now(struct http_date_cache *cache, uint64_t now_ns)
{
    if (now_ns >= cache->until_ns) {
        uint64_t wall_ns = clock_wall_ns();
        (void)http_date_write(cache->text, wall_ns);
        cache->until_ns = deadline_after(now_ns, S_NS - wall_ns % S_NS);
    }
    return view_from(cache->text, HTTP_DATE_BYTES);
}

/* ---- reading ---- */

static bool take_literal(struct cursor *cursor, struct view literal)
{
    return view_equal(cursor_take(cursor, literal.length_bytes), literal);
}

static bool take_number(struct cursor *cursor, size_t digits, uint64_t *value)
{
    return view_to_u64(cursor_take(cursor, digits), value);
}

static bool take_month(struct cursor *cursor, struct calendar *date)
{
    struct view name = cursor_take(cursor, 3);
    for (uint8_t i = 0; i < 12; i++) {
        if (!view_equal(name, view_from_string(month_names[i]))) continue;
        date->month = (uint8_t)(i + 1);
        return true;
    }
    return false;
}

static bool take_time(struct cursor *cursor, struct calendar *date)
{
    uint64_t hour, minute, second;
    if (!take_number(cursor, 2, &hour) || !take_literal(cursor, VIEW(":")) ||
        !take_number(cursor, 2, &minute) || !take_literal(cursor, VIEW(":")) ||
        !take_number(cursor, 2, &second))
        return false;
    date->hour = (uint8_t)hour;
    date->minute = (uint8_t)minute;
    date->second = (uint8_t)second;
    return true;
}

static bool take_day(struct cursor *cursor, struct calendar *date)
{
    uint64_t day;
    if (!take_number(cursor, 2, &day)) return false;
    date->day = (uint8_t)day;
    return true;
}

static bool take_year(struct cursor *cursor, struct calendar *date)
{
    uint64_t year;
    if (!take_number(cursor, 4, &year)) return false;
    date->year = (uint16_t)year;
    return true;
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool take_fixdate(struct cursor *cursor, struct calendar *date)
{
    return take_day(cursor, date) && take_literal(cursor, VIEW(" ")) && take_month(cursor, date) &&
           take_literal(cursor, VIEW(" ")) && take_year(cursor, date) &&
           take_literal(cursor, VIEW(" ")) && take_time(cursor, date) &&
           take_literal(cursor, VIEW(" GMT"));
}

/* "06-Nov-94 08:49:37 GMT" */
static bool take_rfc850(struct cursor *cursor, uint64_t now_wall_ns, struct calendar *date)
{
    uint64_t year;
    if (!take_day(cursor, date) || !take_literal(cursor, VIEW("-")) || !take_month(cursor, date) ||
        !take_literal(cursor, VIEW("-")) || !take_number(cursor, 2, &year) ||
        !take_literal(cursor, VIEW(" ")) || !take_time(cursor, date))
        return false;
    unsigned this_year = calendar_from_ns(now_wall_ns).year;
    unsigned full = this_year - this_year % 100 + (unsigned)year;
    if (full > this_year + 50) full -= 100;
    date->year = (uint16_t)full;
    return take_literal(cursor, VIEW(" GMT"));
}

/* "Nov  6 08:49:37 1994": a day below ten has a space before it. */
static bool take_asctime(struct cursor *cursor, struct calendar *date)
{
    uint64_t day;
    if (!take_month(cursor, date) || !take_literal(cursor, VIEW(" "))) return false;
    struct view digits = cursor_take(cursor, 2);
    if (digits.length_bytes == 2 && digits.bytes[0] == ' ') digits = view_from_offset(digits, 1);
    if (!view_to_u64(digits, &day)) return false;
    date->day = (uint8_t)day;
    return take_literal(cursor, VIEW(" ")) && take_time(cursor, date) &&
           take_literal(cursor, VIEW(" ")) && take_year(cursor, date);
}

/* Whether the text begins with a weekday's short name, and with its long one. */
static bool find_day(struct view text, struct view *long_name)
{
    for (size_t i = 0; i < LENGTH_OF(day_names); i++) {
        *long_name = view_from_string(day_names[i]);
        if (view_starts_with(text, view_first(*long_name, 3))) return true;
    }
    return false;
}

enum result http_date_parse(struct view text, uint64_t now_wall_ns, uint64_t *wall_ns)
{
    struct calendar date = { 0 };
    struct view long_name;
    if (!find_day(text, &long_name)) return INVALID;
    struct cursor cursor = cursor_over(text);
    bool read;
    if (text.length_bytes > 3 && text.bytes[3] == ',') {
        cursor_skip(&cursor, 3);
        read = take_literal(&cursor, VIEW(", ")) && take_fixdate(&cursor, &date);
    } else if (text.length_bytes > 3 && text.bytes[3] == ' ') {
        cursor_skip(&cursor, 4);
        read = take_asctime(&cursor, &date);
    } else {
        read = take_literal(&cursor, long_name) && take_literal(&cursor, VIEW(", ")) &&
               take_rfc850(&cursor, now_wall_ns, &date);
    }
    if (!read || cursor_left(&cursor) > 0) return INVALID;
    return calendar_to_ns(&date, wall_ns);
}
