/* stop_test.c - which signals end a machine: signal(7), signalfd(2), nohup(1).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/test.h"

/* Runs it in a process of its own; how that ended. */
static int in_process(int (*act)(void))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(act());
    expect(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static bool is_asked_by(int number)
{
    struct stop stop;
    stop_listen(&stop);
    (void)kill(getpid(), number);
    return stop_look(&stop) && stop.number == number;
}

static int by_term(void)
{
    return is_asked_by(SIGTERM) ? 0 : 1;
}

static int by_hangup(void)
{
    (void)signal(SIGHUP, SIG_DFL);
    return is_asked_by(SIGHUP) ? 0 : 1;
}

TEST(stop_is_asked_by_a_signal)
{
    expect_that(in_process(by_term), ==, 0);
    expect_that(in_process(by_hangup), ==, 0);
}

static int by_hangup_under_nohup(void)
{
    (void)signal(SIGHUP, SIG_IGN);
    return is_asked_by(SIGHUP) ? 1 : 0;
}

/* SIGUSR1 asks for a list of the fibers, and never for the end. */
static int by_user(void)
{
    struct stop stop;
    stop_listen(&stop);
    for (uint32_t count = 1; count <= 3; count++) {
        (void)kill(getpid(), SIGUSR1);
        if (!stop_look(&stop) || stop.number != 0 || stop.census_count != count) return 1;
    }
    return 0;
}

TEST(stop_counts_what_is_no_request_to_end)
{
    expect_that(in_process(by_user), ==, 0);
}

TEST(stop_heeds_nohup)
{
    expect_that(in_process(by_hangup_under_nohup), ==, 0);
}

/* An alarm is the end of one's patience only after there was a reason for it. */
static int by_a_stray_alarm(void)
{
    struct stop stop;
    stop_listen(&stop);
    (void)kill(getpid(), SIGALRM);
    return stop_look(&stop) && stop.number == 0 ? 0 : 1;
}

TEST(stop_passes_over_an_alarm_that_it_has_not_set)
{
    expect_that(in_process(by_a_stray_alarm), ==, 0);
}

/* What the host does not take is an error, for the guest to hear of. */
static int write_past_the_limit(void)
{
    const struct rlimit nothing = { .rlim_cur = 0, .rlim_max = 0 };
    struct stop stop;
    int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    stop_listen(&stop);
    if (file < 0 || setrlimit(RLIMIT_FSIZE, &nothing) != 0) return 2;
    return write(file, "x", 1) < 0 && errno == EFBIG ? 0 : 1;
}

TEST(stop_survives_a_limit_of_file_size)
{
    expect_that(in_process(write_past_the_limit), ==, 0);
}
