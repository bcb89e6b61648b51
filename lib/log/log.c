/* log.c - from the place that has something to say to the console.
 *
 * The log is one for the whole image, as the console is, and has to work before anything is open
 * and in a panic: so its state stands here and not in an instance.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log.h"

#include "base/calendar.h"
#include "base/escape.h"
#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber.h"
#include "log/log_last.h"
#include "log/log_levels.h"
#include "log/log_limit.h"
#include "target/clock.h"
#include "target/console.h"

#define BURST_DEFAULT      20
#define BURST_DEFAULT_TEXT "20"

/* Behind a line that is cut. */
#define CUT_MARK "...\n"

static struct log_state {
    struct log_levels levels;
    struct log_limit limit;
    struct log_last last;
    struct alarm alarm;
    bool follows_loop;
    /* Not on the stack, which may be the last 2 KiB of a small one. Nothing that uses them waits.
     */
    uint8_t text[LOG_LINE_MAX];
    uint8_t line[LOG_LINE_MAX];
} state; /* all zero at first: in the image's file it takes no room */

const struct parameter log_parameters[] = {
    PARAMETER_TEXT(struct log_parameters, levels, "log", "info",
                   "what is logged: error, warning, info or debug, and MODULE=LEVEL for single "
                   "modules, as in warning,http=debug"),
    PARAMETER_NUMBER(struct log_parameters, burst_count, "log-burst", BURST_DEFAULT_TEXT, 1,
                     1000000,
                     "how many lines a second one place in the code may log; those beyond it are "
                     "counted"),
    PARAMETER_END,
};

/* A burst of 0 is none that --log-burst takes. */
static void begin(void)
{
    if (state.limit.burst_count > 0) return;
    state.levels.everywhere = LOG_INFO;
    state.limit.burst_count = BURST_DEFAULT;
}

/* ---- a line ---- */

static void put_time(struct writer *line, uint64_t wall_ns)
{
    struct calendar now = calendar_from_ns(wall_ns);
    writer_format(line, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ ", now.year, now.month, now.day,
                  now.hour, now.minute, now.second, (unsigned)(wall_ns % S_NS / MS_NS));
}

/* Ends the line, in the room that is kept for it, and gives it to the console. */
static void say(struct writer *line, bool is_cut)
{
    struct view end = is_cut ? VIEW(CUT_MARK) : VIEW("\n");
    struct span room = SPAN_OF(state.line);
    (void)span_copy(span_from_offset(room, line->length_bytes), end);
    size_t length = line->length_bytes + end.length_bytes;
    console_write_diagnostic(span_view(span_first(room, length)));
}

static struct writer begin_line(void)
{
    size_t length = LOG_LINE_MAX - (sizeof CUT_MARK - 1);
    return writer_over(span_first(SPAN_OF(state.line), length));
}

COLD static void say_text(const struct log_place *place, const struct writer *text)
{
    struct writer line = begin_line();
    put_time(&line, clock_wall_ns());
    writer_format(&line, "%-7s %s: ", log_level_text(place->level), place->module);
    writer_put_escaped(&line, writer_view(text));
    log_last_put(&state.last, writer_view(&line));
    say(&line, line.ran_short || text->ran_short);
}

/* ---- what is held back ---- */

COLD static void tell_held_back(uint64_t now_ns)
{
    struct log_held_back lines;
    while (log_limit_take_over(&state.limit, now_ns, &lines)) {
        struct writer text = writer_over(SPAN_OF(state.text));
        writer_format(&text, "%llu more like \"%s\" (--log-burst=%llu)",
                      (unsigned long long)lines.count, lines.words,
                      (unsigned long long)state.limit.burst_count);
        say_text(lines.place, &text);
    }
}

static void set_alarm(void)
{
    if (state.follows_loop) alarm_set(&state.alarm, log_limit_next_ns(&state.limit));
}

static void second_is_over(struct alarm *alarm)
{
    (void)alarm;
    tell_held_back(clock_monotonic_ns());
    set_alarm();
}

/* ---- the contract ---- */

enum result log_open(const struct log_parameters *parameters, const char **message)
{
    begin();
    enum result result = log_levels_parse(parameters->levels, &state.levels, message);
    if (result == OK) state.limit.burst_count = parameters->burst_count;
    return result;
}

void log_follow_loop(void)
{
    state.alarm.due = second_is_over;
    state.follows_loop = true;
    set_alarm();
}

void log_close(void)
{
    tell_held_back(NEVER);
    if (state.follows_loop) alarm_stop(&state.alarm);
    state.follows_loop = false;
    state.levels = (struct log_levels){ .everywhere = LOG_INFO };
    state.limit.burst_count = BURST_DEFAULT;
}

bool log_is_shown(const char *module, enum log_level level)
{
    begin();
    return log_levels_show(&state.levels, module, level);
}

void log_at(const struct log_place *place, const char *words, ...)
{
    if (!log_is_shown(place->module, place->level)) return;
    uint64_t now_ns = clock_monotonic_ns();
    tell_held_back(now_ns);
    uint64_t next_ns = log_limit_next_ns(&state.limit);
    if (!log_limit_admits(&state.limit, place, words, now_ns)) {
        if (log_limit_next_ns(&state.limit) != next_ns) set_alarm();
        return;
    }
    struct writer text = writer_over(SPAN_OF(state.text));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&text, words, arguments);
    __builtin_va_end(arguments);
    say_text(place, &text);
}

COLD void log_census(const char *words, ...)
{
    struct writer text = writer_over(SPAN_OF(state.text));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&text, words, arguments);
    __builtin_va_end(arguments);
    struct writer line = begin_line();
    writer_put_escaped(&line, writer_view(&text));
    say(&line, line.ran_short || text.ran_short);
}

/* Only of what is kept: what a line is made in may be half written. */
COLD void log_write_last(void)
{
    size_t count = log_last_count(&state.last);
    if (count > 0) console_write_diagnostic(VIEW("the last lines of the log:\n"));
    for (size_t i = 0; i < count; i++) {
        console_write_diagnostic(VIEW("  "));
        console_write_diagnostic(log_last_line(&state.last, i));
        console_write_diagnostic(VIEW("\n"));
    }
}
