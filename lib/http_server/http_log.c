/* http_log.c - the access log: one line a request, in the form that log readers know.
 *
 *     192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1024 0.000113
 *
 * Lines are gathered and go to the console together, at the latest after a moment: a request must
 * not pay for a write of its own.
 *
 * SPDX-License-Identifier: ISC */
#include "base/calendar.h"
#include "http/http_characters.h"
#include "http_server/http_private.h"
#include "target/clock.h"
#include "target/console.h"

#define LINE_MAX       512
#define REQUEST_MAX    300 /* of the request line, escapes included */
#define GATHER_TIME_NS (250 * MS_NS)

void http_log_flush(struct http_server *server)
{
    alarm_stop(&server->log_alarm);
    if (server->log_bytes > 0) console_write(view_from(server->log_room, server->log_bytes));
    server->log_bytes = 0;
}

static void flush_due(struct alarm *alarm)
{
    http_log_flush(CONTAINER_OF(alarm, struct http_server, log_alarm));
}

void http_log_open(struct http_server *server)
{
    server->log_alarm.due = flush_due;
    server->log_bytes = 0;
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* What could end the line, the quotes or the terminal's patience is shown as \xNN. */
static void put_escaped(struct writer *writer, struct view text)
{
    size_t end = MIN(writer->length_bytes + REQUEST_MAX, writer->room.length_bytes);
    while (text.length_bytes > 0 && writer->length_bytes + 4 <= end) {
        size_t most = MIN(text.length_bytes, end - writer->length_bytes), plain = 0;
        while (plain < most && is_plain(text.bytes[plain]))
            plain++;
        writer_put(writer, view_first(text, plain));
        text = view_from_offset(text, plain);
        if (plain > 0) continue;
        writer_put(writer, VIEW("\\x"));
        writer_put_hex(writer, text.bytes[0], 2);
        text = view_from_offset(text, 1);
    }
}

/* As it was written in this second. */
static struct view time_now(struct http_log_time *time)
{
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    if (loop_now_ns() >= time->until_ns) {
        uint64_t wall_ns = clock_wall_ns();
        struct calendar now = calendar_from_ns(wall_ns);
        time->until_ns = deadline_after(loop_now_ns(), S_NS - wall_ns % S_NS);
        time->length_bytes = format(SPAN_OF(time->text),
                                    " - - [%02u/%s/%u:%02u:%02u:%02u +0000] \"", now.day,
                                    months[now.month - 1], now.year, now.hour, now.minute,
                                    now.second)
                                 .length_bytes;
    }
    return view_from(time->text, time->length_bytes);
}

/* Seconds, with the microseconds behind the point. */
static void put_duration(struct writer *writer, uint64_t duration_ns)
{
    uint64_t rest = duration_ns % S_NS / US_NS;
    writer_put_decimal(writer, duration_ns / S_NS);
    writer_put_u8(writer, '.');
    for (uint64_t digit = 100000; digit > 0; digit /= 10)
        writer_put_u8(writer, (uint8_t)('0' + rest / digit % 10));
}

/* The first line of the head, without an empty one before it. */
static struct view first_line(struct view head)
{
    if (view_starts_with(head, VIEW("\r\n"))) head = view_from_offset(head, 2);
    return view_first(head, http_find_control(head, 0));
}

static void write_line(struct http_server *server, const struct http_log_entry *entry)
{
    uint8_t room[LINE_MAX];
    struct writer line = writer_over(SPAN_OF(room));
    writer_put_address(&line, &entry->peer.address);
    writer_put(&line, time_now(&server->log_time));
    put_escaped(&line, first_line(entry->head));
    writer_put(&line, VIEW("\" "));
    writer_put_decimal(&line, entry->status);
    writer_put_u8(&line, ' ');
    writer_put_decimal(&line, entry->body_bytes);
    writer_put_u8(&line, ' ');
    put_duration(&line, entry->duration_ns);
    writer_put_u8(&line, '\n');
    if (server->log_bytes + line.length_bytes > sizeof server->log_room) http_log_flush(server);
    if (server->log_bytes == 0)
        alarm_set(&server->log_alarm, deadline_after(loop_now_ns(), GATHER_TIME_NS));
    (void)span_copy(span_from_offset(SPAN_OF(server->log_room), server->log_bytes),
                    writer_view(&line));
    server->log_bytes += line.length_bytes;
}

void http_log_response(struct http_server *server, const struct http_log_entry *entry)
{
    struct http_server_figures *figures = &server->figures;
    switch (entry->status / 100) {
    case 2: figures->responses_2xx++; break;
    case 3: figures->responses_3xx++; break;
    case 4: figures->responses_4xx++; break;
    default: figures->responses_5xx++; break;
    }
    histogram_add(&figures->duration, entry->duration_ns);
    if (server->parameters.access_log == HTTP_ACCESS_LOG_CONSOLE) write_line(server, entry);
}
