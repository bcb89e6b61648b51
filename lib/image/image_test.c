/* image_test.c - a small image, run as a process of its own: what it says, and its exit status.
 *
 * The test program is both: with IMAGE_UNDER_TEST in its environment it becomes the image before
 * main, as target/hosted/main.c would.
 *
 * SPDX-License-Identifier: ISC */
#include "image/image.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/writer.h"
#include "fiber/stop.h"
#include "metrics/metrics.h"
#include "target/console.h"
#include "target/hosted/arguments.h"
#include "target/hosted/crash.h"
#include "target/hosted/process.h"
#include "test/test.h"

/* ---- the image ---- */

struct lesson_parameters {
    uint64_t port;
    uint32_t plan;
};

enum plan { PLAN_END, PLAN_FAIL, PLAN_NO_DEVICE, PLAN_LEAVE, PLAN_WAIT, PLAN_METRICS };
static const char *const plans[] = { "end", "fail", "no-device", "leave", "wait", "metrics", NULL };

static const struct parameter lesson_table[] = {
    PARAMETER_NUMBER(struct lesson_parameters, port, "port", "8080", 1, 65535, "port to listen on"),
    PARAMETER_CHOICE(struct lesson_parameters, plan, "plan", "end", plans, "what to do"),
    PARAMETER_END,
};

static struct lesson_parameters lesson;
static const struct parameter_group groups[] = {
    { .device = "lesson0",
      .prefix = "",
      .table = lesson_table,
      .values = { .bytes = (uint8_t *)&lesson, .length_bytes = sizeof lesson } },
};
const struct image image = { .name = "lesson",
                             .parameters = groups,
                             .parameter_count = LENGTH_OF(groups) };

static void sleep_long(struct task *task)
{
    (void)task;
    (void)fiber_sleep(NEVER);
}

static enum result leave_a_fiber(void)
{
    static struct scope scope;
    static struct task task = { .run = sleep_long };
    scope_open(&scope, "forgotten");
    enum result result = fiber_start(&scope, &task, "sleeper", STACK_SMALL);
    fiber_yield();
    return result;
}

static enum result put_metrics(struct metrics_sink *sink, struct view text)
{
    (void)sink;
    console_write(text);
    return OK;
}

static enum result write_metrics(void)
{
    struct metrics_sink sink = { .put = put_metrics };
    return metrics_write(&sink);
}

enum result image_start(void)
{
    console_write(VIEW("started\n"));
    switch ((enum plan)lesson.plan) {
    case PLAN_END: return OK;
    case PLAN_FAIL: return REFUSED;
    case PLAN_NO_DEVICE: return image_failed("net0", EXISTS);
    case PLAN_LEAVE: return leave_a_fiber();
    case PLAN_WAIT: return stop_wait(NEVER);
    case PLAN_METRICS: return write_metrics();
    }
    return FAILED;
}

__attribute__((constructor)) static void become_the_image(int count, char *words[])
{
    if (getenv("IMAGE_UNDER_TEST") == NULL) return;
    crash_handlers_install();
    arguments_set(count, words);
    if (process_open() != OK) exit(99);
    int status = image_run();
    process_close();
    exit(status);
}

/* ---- the test ---- */

/* What a run has left. */
struct outcome {
    int status;
    struct view output, diagnostics;
    uint8_t output_room[8192], diagnostics_room[8192];
};

static struct outcome outcome;

static int open_nameless(void)
{
    int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    expect(file >= 0);
    return file;
}

static struct view read_back(int file, struct span room)
{
    ssize_t length = pread(file, room.bytes, room.length_bytes, 0);
    expect(length >= 0);
    (void)close(file);
    return view_from(room.bytes, (size_t)length);
}

/* In the child. Nothing is left open that the parent has, so that what it finds is its own. */
__attribute__((noreturn)) static void exec_image(const char *first, const char *second, int output,
                                                 int diagnostics)
{
    char program[] = "/proc/self/exe", name[] = "lesson", setting[] = "IMAGE_UNDER_TEST=1";
    char words[2][64] = { "", "" };
    (void)format(SPAN_OF(words[0]), "%.63s", first == NULL ? "" : first);
    (void)format(SPAN_OF(words[1]), "%.63s", second == NULL ? "" : second);
    char *arguments[] = { name, first == NULL ? NULL : words[0], second == NULL ? NULL : words[1],
                          NULL };
    char *environment[] = { setting, NULL };
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(diagnostics, STDERR_FILENO);
    (void)execve(program, arguments, environment);
    _exit(98);
}

static pid_t start_image(const char *first, const char *second, int output, int diagnostics)
{
    pid_t child = fork();
    expect(child >= 0);
    if (child == 0) exec_image(first, second, output, diagnostics);
    return child;
}

static void wait_for(pid_t child)
{
    int status;
    expect(waitpid(child, &status, 0) == child);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void run_image(const char *first, const char *second)
{
    int output = open_nameless(), diagnostics = open_nameless();
    wait_for(start_image(first, second, output, diagnostics));
    outcome.output = read_back(output, SPAN_OF(outcome.output_room));
    outcome.diagnostics = read_back(diagnostics, SPAN_OF(outcome.diagnostics_room));
}

static void expect_says(struct view words)
{
    struct view said = outcome.diagnostics;
    if (view_find(said, words) == said.length_bytes)
        test_fail(__FILE__, __LINE__, "\"%.*s\" is not in:\n%.*s", VIEW_FORMAT(words),
                  VIEW_FORMAT(said));
}

TEST(image_ends_with_0)
{
    run_image(NULL, NULL);
    expect_that(outcome.status, ==, 0);
    expect_view(outcome.output, VIEW("started\n"));
    expect_view(outcome.diagnostics, VIEW(""));
}

TEST(image_tells_why_it_failed)
{
    run_image("--plan=fail", NULL);
    expect_that(outcome.status, ==, 1);
    expect_says(VIEW(" error   image: lesson ended with the result: refused\n"));

    run_image("--plan=no-device", NULL);
    expect_that(outcome.status, ==, 1);
    expect_says(VIEW(" error   image: net0 could not be opened: exists already\n"));
    struct view said = outcome.diagnostics;
    expect_that(view_find_byte(said, '\n'), ==, said.length_bytes - 1);
}

/* The number behind a series; it has to be there. */
static uint64_t figure(struct view series)
{
    struct view text = outcome.output;
    uint64_t number;
    size_t at = view_find(text, series);
    if (at == text.length_bytes)
        test_fail(__FILE__, __LINE__, "no %.*s in:\n%.*s", VIEW_FORMAT(series), VIEW_FORMAT(text));
    struct view behind = view_from_offset(text, at + series.length_bytes);
    struct view digits = view_cut(view_cut(behind, '\n', &behind), '.', &behind);
    expect(view_to_u64(digits, &number));
    return number;
}

TEST(image_shows_figures_of_itself_and_its_process)
{
    run_image("--plan=metrics", "--fibers-small=100");
    expect_that(outcome.status, ==, 0);
    expect_that(figure(VIEW("\nloom_fibers{instance=\"image\",stack=\"medium\"} ")), ==, 1);
    expect_that(figure(VIEW("\nloom_fibers{instance=\"image\",stack=\"small\"} ")), ==, 0);
    expect_that(figure(VIEW("\nloom_stacks_free{instance=\"image\",stack=\"small\"} ")), ==, 100);
    expect_that(figure(VIEW("\nloom_uptime_seconds{instance=\"image\"} ")), <, 60);
    expect_that(figure(VIEW("\nprocess_start_time_seconds{instance=\"image\"} ")), >, 1700000000);
    uint64_t resident_bytes = figure(
        VIEW("\nprocess_resident_memory_bytes{instance=\"process\"} "));
    expect(resident_bytes > 100 * KIB && resident_bytes < 4 * GIB);
    expect_that(figure(VIEW("\nprocess_cpu_seconds_total{instance=\"process\"} ")), <, 60);
}

TEST(image_refuses_bad_parameters)
{
    run_image("--port=99999", NULL);
    expect_that(outcome.status, ==, 2);
    expect_view(outcome.output, VIEW(""));
    expect_view(outcome.diagnostics, VIEW("lesson: --port=99999 is out of range: it takes a number "
                                          "from 1 to 65535\n"));
    run_image("--prot", "80");
    expect_that(outcome.status, ==, 2);
    expect_view(outcome.diagnostics,
                VIEW("lesson: --prot is not a parameter of this image; did you mean --port?\n"));
    run_image("--log=loud", NULL);
    expect_that(outcome.status, ==, 2);
    expect_view(view_first(outcome.diagnostics, 39),
                VIEW("lesson: --log has an unknown level: it "));
}

/* The devices' own come first, the ambient ones last. */
TEST(image_helps)
{
    static const char *const lines[] = {
        "\nlesson0\n", "\n  --port=NUMBER", "\nfibers\n",    "\n  --fibers-small=NUMBER",
        "\nlog\n",     "\n  --log=TEXT",    "\nstop\n",      "\n  --stop-timeout=DURATION",
        "\nimage\n",   "\n  --census",      "\n  --version", "\n  --help"
    };
    run_image("--help", NULL);
    expect_that(outcome.status, ==, 0);
    expect_view(outcome.diagnostics, VIEW(""));
    struct view rest = outcome.output;
    for (size_t i = 0; i < LENGTH_OF(lines); i++) {
        size_t at = view_find(rest, view_from_string(lines[i]));
        if (at == rest.length_bytes)
            test_fail(__FILE__, __LINE__, "\"%s\" is not in its place in:\n%.*s", lines[i],
                      VIEW_FORMAT(outcome.output));
        rest = view_from_offset(rest, at);
    }
}

TEST(image_tells_its_version)
{
    run_image("--version", NULL);
    expect_that(outcome.status, ==, 0);
    expect_view(view_first(outcome.output, 7), VIEW("lesson "));
    struct view build = view_from_offset(outcome.output, 7);
    expect_that(build.length_bytes, >=, 17);
    for (size_t i = 0; i + 1 < build.length_bytes; i++) {
        uint64_t digit;
        expect(view_hex_to_u64(view_slice(build, i, 1), &digit));
    }
}

TEST(image_tells_of_fibers_that_are_left)
{
    run_image("--plan=leave", NULL);
    expect_that(outcome.status, ==, 0);
    expect_says(
        VIEW(" warning image: fibers are left: 1; a scope was not closed by who opened it\n"));
    expect_says(VIEW("sleeper"));
    expect_says(VIEW("forgotten"));
}

TEST(image_writes_a_census_when_it_is_wanted)
{
    run_image("--census", NULL);
    expect_that(outcome.status, ==, 0);
    expect_says(VIEW("main "));
    struct view said = outcome.diagnostics;
    expect(view_find(said, VIEW("are left")) == said.length_bytes);
}

/* SIGTERM is the host's way of asking. */
TEST(image_ends_when_it_is_asked_to)
{
    int output = open_nameless(), diagnostics = open_nameless();
    pid_t child = start_image("--plan=wait", "--census", output, diagnostics);
    uint8_t started[8];
    while (pread(output, started, sizeof started, 0) < (ssize_t)sizeof started)
        (void)fiber_sleep(MS_NS);
    (void)fiber_sleep(50 * MS_NS); /* it waits by now; if it did not, stop_wait would not either */
    expect(kill(child, SIGTERM) == 0);
    wait_for(child);
    (void)read_back(output, SPAN_OF(outcome.output_room));
    outcome.diagnostics = read_back(diagnostics, SPAN_OF(outcome.diagnostics_room));
    expect_that(outcome.status, ==, 0);
    expect_says(VIEW("census "));
}
