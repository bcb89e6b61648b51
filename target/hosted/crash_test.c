/* crash_test.c - an image that breaks says how: each test breaks a child process and reads its
 * report.
 *
 * SPDX-License-Identifier: ISC */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/sanitizer.h"
#include "base/units.h"
#include "fiber/fiber.h"
#include "target/clock.h"
#include "test/test.h"

struct report {
    char text[16384];
    size_t length_bytes;
    int status;
};

/* Runs `breaks` in a child whose standard error comes here. */
static void run_child(struct report *report, void (*breaks)(void))
{
    int ends[2];
    expect(pipe(ends) == 0);
    pid_t child = fork();
    expect(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        breaks();
        _exit(0);
    }
    (void)close(ends[1]);
    *report = (struct report){ 0 };
    for (;;) {
        ssize_t got = read(ends[0], report->text + report->length_bytes,
                           sizeof report->text - 1 - report->length_bytes);
        if (got <= 0) break;
        report->length_bytes += (size_t)got;
    }
    (void)close(ends[0]);
    expect(waitpid(child, &report->status, 0) == child);
}

static void expect_says(const struct report *report, const char *words)
{
    if (strstr(report->text, words) == NULL)
        test_fail(__FILE__, __LINE__, "expected a report with \"%s\", got: %s", words,
                  report->text);
}

static volatile size_t five = 5;

static void break_assertion(void)
{
    assert_that(five + 2, <, 3);
}

TEST(a_failed_assertion_tells_place_values_fiber_and_backtrace)
{
    static struct report report;
    run_child(&report, break_assertion);
    expect(WIFSIGNALED(report.status) && WTERMSIG(report.status) == SIGABRT);
    expect_says(&report, "crash_test.c:");
    expect_says(&report, "five + 2 < 3");
    expect_says(&report, "left 7 = 0x7, right 3 = 0x3");
    expect_says(&report, "in fiber 'test'");
    expect_says(&report, "  #2  break_assertion");
    expect_says(&report, "fibers: 1");
}

#define LOG_MODULE "lesson"
#include "log/log.h"

static void log_and_break(void)
{
    for (size_t i = 0; i < five; i++)
        log_info("line %zu", i);
    panic("the end");
}

TEST(a_report_ends_with_the_last_lines_of_the_log)
{
    static struct report report;
    run_child(&report, log_and_break);
    const char *last = strstr(report.text, "the last lines of the log:\n  ");
    expect(last != NULL);
    for (unsigned i = 0; i < 5; i++) {
        char line[] = "info    lesson: line 0\n";
        line[sizeof line - 3] = (char)('0' + i);
        last = strstr(last, line);
        if (last == NULL) test_fail(__FILE__, __LINE__, "no %s in: %s", line, report.text);
    }
}

static void break_with_words(void)
{
    panic("the %s of %u things", "end", 3u);
}

TEST(a_panic_has_words)
{
    static struct report report;
    run_child(&report, break_with_words);
    expect_says(&report, "the end of 3 things");
}

#if SANITIZED_ADDRESS

TEST(faults_are_reported)
{
    test_skip("the address sanitizer reports faults itself");
}

#else

/* Each call keeps a buffer alive across the next, so that none can become a loop. */
__attribute__((noinline)) static size_t go_down(volatile uint8_t *above)
{
    volatile uint8_t room[512] = { 0 };
    if (above[0] == 0) return 0;
    room[0] = above[0];
    return room[0] + go_down(room) + room[1];
}

static void overflow_stack(void)
{
    volatile uint8_t top = 1;
    five = go_down(&top);
}

TEST(a_stack_overflow_is_called_by_its_name)
{
    static struct report report;
    run_child(&report, overflow_stack);
    expect(WIFSIGNALED(report.status) && WTERMSIG(report.status) == SIGABRT);
    expect_says(&report, "fiber 'test' has overflowed its stack of 64 KiB");
    expect_says(&report, "go_down+0x");
}

static void overflow_in_loop(struct alarm *alarm)
{
    (void)alarm;
    overflow_stack();
}

static struct alarm loop_alarm = { .due = overflow_in_loop };

static void overflow_stack_of_loop(void)
{
    alarm_set(&loop_alarm, clock_monotonic_ns());
    (void)fiber_sleep(S_NS);
}

/* Its pointer may be where nothing is, and must not break the report off. */
TEST(a_stack_overflow_in_the_loop_is_told_to_the_end)
{
    static struct report report;
    run_child(&report, overflow_stack_of_loop);
    expect(WIFSIGNALED(report.status) && WTERMSIG(report.status) == SIGABRT);
    expect_says(&report, "in the loop");
    expect_says(&report, "  #1  go_down+0x");
    expect_says(&report, "fibers: 1");
}

static void write_to_nowhere(void)
{
    *(volatile int *)(five * 1000000) = 1; // NOLINT: a number as an address is the point
}

TEST(a_bad_access_tells_the_address)
{
    static struct report report;
    run_child(&report, write_to_nowhere);
    expect_says(&report, "bad access to address 0x4c4b40");
    expect_says(&report, "write_to_nowhere+0x");
}

/* Without a frame: it calls nobody, and what it needs is in registers. */
__attribute__((noinline)) static void write_there(volatile uint8_t *place)
{
    *place = 1;
}

static void write_without_frame(void)
{
    write_there((volatile uint8_t *)(five * 1000)); // NOLINT: as above
    five = 0;
}

TEST(who_has_called_a_function_without_a_frame_is_told)
{
    static struct report report;
    run_child(&report, write_without_frame);
    expect_says(&report, "  #0  write_there+0x");
    expect_says(&report, "  #1  write_without_frame+0x");
    expect_says(&report, "  #2  run_child+0x");
}

static volatile int largest = __INT_MAX__;

static void overflow_integer(void)
{
    largest = largest + 1;
}

TEST(the_hardened_build_traps_overflow)
{
    static struct report report;
    run_child(&report, overflow_integer);
    expect_says(&report, "a check of the hardened build failed");
    expect_says(&report, "overflow_integer+0x");
}

#endif
