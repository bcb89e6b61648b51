/* fail_test.c - what the tender says on stderr, and that it is not held by it: pipe(7).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/fail.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender/device.h"
#include "test/test.h"

static int pipe_ends[2];

/* Runs it in a process whose stderr is the pipe; how that ended. */
static int with_stderr_in_pipe(void (*act)(void))
{
    int status = -1;
    expect(pipe2(pipe_ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(30); /* instead of for ever */
        if (dup2(pipe_ends[1], STDERR_FILENO) < 0) _exit(2);
        act();
        _exit(0);
    }
    expect(child > 0 && waitpid(child, &status, 0) == child);
    expect(close(pipe_ends[1]) == 0);
    return status;
}

static struct view said(void)
{
    static uint8_t room[4096];
    ssize_t length = read(pipe_ends[0], room, sizeof room);
    expect(close(pipe_ends[0]) == 0);
    return view_from(room, length > 0 ? (size_t)length : 0);
}

static void say_two(void)
{
    const struct device device = { .name = "net" };
    tender_say("%d of %s", 3, "them");
    device_warn(&device, "it is %s", "down");
}

TEST(fail_says_lines)
{
    expect_that(with_stderr_in_pipe(say_two), ==, 0);
    expect_view(said(), VIEW("loom-tender: 3 of them\nloom-tender: net: it is down\n"));
}

static void say_too_much(void)
{
    static char words[2000];
    span_fill(SPAN_OF(words), 'x');
    words[sizeof words - 1] = 0;
    tender_say("%s", words);
}

TEST(fail_cuts_a_line_that_is_too_long)
{
    expect_that(with_stderr_in_pipe(say_too_much), ==, 0);
    struct view line = said();
    expect_that(line.length_bytes, ==, 640);
    expect(view_ends_with(line, VIEW("xxx\n")));
}

static void say_into_a_full_pipe(void)
{
    static const uint8_t page[4096];
    if (fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK) != 0) _exit(2);
    while (write(STDERR_FILENO, page, sizeof page) > 0) {
    }
    if (fcntl(STDERR_FILENO, F_SETFL, 0) != 0) _exit(2);
    tender_say("nobody reads this");
}

/* A guest can fill the pipe that stdout and stderr share. */
TEST(fail_is_not_held_by_a_pipe_that_nobody_reads)
{
    expect_that(with_stderr_in_pipe(say_into_a_full_pipe), ==, 0);
    expect(close(pipe_ends[0]) == 0);
}
