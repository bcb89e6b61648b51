/* stop.c - SIGTERM asks, and what comes later insists.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/stop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/units.h"
#include "target/clock.h"
#include "tender/fail.h"

/* One request may come as several signals: to the process group, and passed on by whoever started
 * the tender. */
#define ONE_REQUEST_NS (300 * MS_NS)

/* The image gives itself --stop-timeout twice, by default 10 s each (lib/fiber/stop.h), and tells
 * what it waits for. This is for one that does not even do that. */
#define PATIENCE_S 25

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* A signal that is blocked is told of even where it was ignored, so nohup(1) is heeded by not
 * asking for it. What the host says by a signal when a pipe has no reader, or a file would grow
 * past ulimit -f, it also says by an error, which the guest is told of. */
void stop_listen(struct stop *stop)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGUSR1);
    if (!is_ignored(SIGHUP)) sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    *stop = (struct stop){ .descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) };
    if (stop->descriptor < 0) tender_fail("the host gives no descriptor: %s", strerror(errno));
}

static bool take(struct stop *stop, int number)
{
    if (number == SIGUSR1) {
        stop->census_count++;
        return true;
    }
    if (number == SIGALRM && stop->number == 0) return true; /* somebody else's */
    if (number == SIGALRM) {
        tender_say("the image did not end within %u s after it was asked to: ended", PATIENCE_S);
        stop->last_number = stop->number;
        return false;
    }
    if (stop->number == 0) {
        stop->number = number;
        stop->first_ns = clock_monotonic_ns();
        (void)alarm(PATIENCE_S);
        return true;
    }
    if (clock_monotonic_ns() - stop->first_ns <= ONE_REQUEST_NS) return true;
    tender_say("asked to end twice: ended");
    stop->last_number = number;
    return false;
}

bool stop_look(struct stop *stop)
{
    struct signalfd_siginfo information;
    while (read(stop->descriptor, &information, sizeof information) == sizeof information)
        if (!take(stop, (int)information.ssi_signo)) return false;
    return true;
}
