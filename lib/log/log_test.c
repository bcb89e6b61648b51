/* log_test.c - whole lines, as they come out of the console.
 *
 * SPDX-License-Identifier: ISC */
#define LOG_MODULE "lesson"
#include "log/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/writer.h"
#include "test/test.h"

/* Where the console's diagnostics go meanwhile. */
struct capture {
    int file, before;
    size_t length_bytes;
    uint8_t room[8192];
};

static struct capture capture;

static void capture_begin(void)
{
    capture.file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    expect(capture.file >= 0);
    capture.before = dup(STDERR_FILENO);
    expect(dup2(capture.file, STDERR_FILENO) == STDERR_FILENO);
}

static struct view capture_end(void)
{
    (void)dup2(capture.before, STDERR_FILENO);
    ssize_t length = pread(capture.file, capture.room, sizeof capture.room, 0);
    (void)close(capture.before);
    (void)close(capture.file);
    expect(length >= 0);
    return view_from(capture.room, (size_t)length);
}

/* The first line without its time, whose form is checked; *lines goes on behind it. */
static struct view take_line(struct view *lines)
{
    static const char form[] = "0000-00-00T00:00:00.000Z ";
    struct view line = view_cut(*lines, '\n', lines);
    expect_that(line.length_bytes, >=, sizeof form - 1);
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool is_digit = line.bytes[i] >= '0' && line.bytes[i] <= '9';
        if (form[i] == '0' ? !is_digit : line.bytes[i] != (uint8_t)form[i])
            test_fail(__FILE__, __LINE__, "no time: %.*s", VIEW_FORMAT(line));
    }
    return view_from_offset(line, sizeof form - 1);
}

static void open_log(struct view levels, uint64_t burst_count)
{
    const char *message;
    struct log_parameters parameters = { .levels = levels, .burst_count = burst_count };
    expect_ok(log_open(&parameters, &message));
}

TEST(log_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(log_parameters));
}

TEST(log_works_before_it_is_open)
{
    capture_begin();
    log_info("%u bytes", 17u);
    log_debug("too much");
    struct view lines = capture_end();
    expect_view(take_line(&lines), VIEW("info    lesson: 17 bytes"));
    expect(view_is_empty(lines));
}

TEST(log_shows_levels)
{
    open_log(VIEW("error,lesson=debug"), 20);
    capture_begin();
    log_error("one");
    log_warning("two");
    log_info("three");
    log_debug("four");
    struct view lines = capture_end();
    expect_view(take_line(&lines), VIEW("error   lesson: one"));
    expect_view(take_line(&lines), VIEW("warning lesson: two"));
    expect_view(take_line(&lines), VIEW("info    lesson: three"));
    expect_view(take_line(&lines), VIEW("debug   lesson: four"));
    expect(view_is_empty(lines));
    expect(!log_is_shown("other", LOG_WARNING));
    log_close();
    expect(log_is_shown("other", LOG_INFO));
    expect(!log_is_shown("lesson", LOG_DEBUG));
}

TEST(log_refuses_levels)
{
    const char *message = NULL;
    struct log_parameters parameters = { .levels = VIEW("loud"), .burst_count = 1 };
    expect_result(log_open(&parameters, &message), INVALID);
    expect(message != NULL);
    expect(log_is_shown("lesson", LOG_INFO));
}

/* A peer's text cannot end the line and begin one of its own. */
TEST(log_escapes)
{
    capture_begin();
    log_info("path \"%s\"", "/a\n2026-01-01T00:00:00.000Z error   http: forged\x1b[2J\xff");
    struct view lines = capture_end();
    expect_view(take_line(&lines), VIEW("info    lesson: path \"/a\\x0a2026-01-01T00:00:00.000Z "
                                        "error   http: forged\\x1b[2J\\xff\""));
    expect(view_is_empty(lines));
}

static void log_long(size_t length, char byte)
{
    static char text[2048];
    __builtin_memset(text, byte, sizeof text);
    log_info("%.*s", (int)length, text);
}

TEST(log_cuts_long_lines)
{
    size_t head = sizeof "0000-00-00T00:00:00.000Z info    lesson: " - 1;
    size_t most = LOG_LINE_MAX - head - 4;
    capture_begin();
    log_long(most, 'x');
    log_long(most + 1, 'x');
    log_long(2000, 'x');
    log_long(400, '\t');
    struct view lines = capture_end();

    struct view line = take_line(&lines);
    expect(view_ends_with(line, VIEW("xxxx")));
    line = take_line(&lines);
    expect(view_ends_with(line, VIEW("x...")));
    line = take_line(&lines);
    expect(view_ends_with(line, VIEW("x...")));
    expect_that(line.length_bytes, ==, LOG_LINE_MAX - 1 - 25);
    line = take_line(&lines);
    expect(view_ends_with(line, VIEW("\\x09...")));
    expect_that(line.length_bytes, <=, LOG_LINE_MAX - 1 - 25);
    expect(view_is_empty(lines));
}

TEST(log_holds_back_and_tells)
{
    open_log(VIEW("info"), 2);
    capture_begin();
    for (unsigned i = 0; i < 100; i++)
        log_warning("attempt %u", i);
    log_close();
    log_info("after");
    struct view lines = capture_end();
    expect_view(take_line(&lines), VIEW("warning lesson: attempt 0"));
    expect_view(take_line(&lines), VIEW("warning lesson: attempt 1"));
    expect_view(take_line(&lines),
                VIEW("warning lesson: 98 more like \"attempt %u\" (--log-burst=2)"));
    expect_view(take_line(&lines), VIEW("info    lesson: after"));
    expect(view_is_empty(lines));
}

/* Without another line, the alarm tells. */
TEST(log_follows_the_loop)
{
    open_log(VIEW("info"), 1);
    log_follow_loop();
    capture_begin();
    for (unsigned i = 0; i < 5; i++)
        log_warning("attempt %u", i);
    enum result slept = fiber_sleep(1100 * MS_NS);
    struct view lines = capture_end();
    log_close();
    expect_result(slept, TIMED_OUT);
    expect_view(take_line(&lines), VIEW("warning lesson: attempt 0"));
    expect_view(take_line(&lines),
                VIEW("warning lesson: 4 more like \"attempt %u\" (--log-burst=1)"));
    expect(view_is_empty(lines));
}

TEST(log_census_is_bare_and_unbounded)
{
    open_log(VIEW("error"), 1);
    capture_begin();
    for (unsigned i = 0; i < 50; i++)
        log_census("fiber %u\t", i);
    log_close();
    struct view lines = capture_end();
    expect_view(view_cut(lines, '\n', &lines), VIEW("fiber 0\\x09"));
    unsigned count = 1;
    while (!view_is_empty(lines)) {
        (void)view_cut(lines, '\n', &lines);
        count++;
    }
    expect_that(count, ==, 50);
}
