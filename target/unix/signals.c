/* signals.c - signals as events of the loop, through a signalfd: nothing ever interrupts a fiber.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "target/clock.h"
#include "target/exit.h"
#include "target/unix/poll.h"

#define LOG_MODULE "unix"
#include "log/log.h"

static struct poll signals;

/* One request to end may come as several signals: to the process group, and passed on by whoever
 * started the image. */
#define ONE_REQUEST_NS (300 * MS_NS)

static void handle(uint32_t number)
{
    static uint64_t first_ns;
    if (number == SIGUSR1) {
        fiber_census_write();
    } else if (!stop_is_requested()) {
        first_ns = clock_monotonic_ns();
        stop_request();
    } else if (clock_monotonic_ns() - first_ns > ONE_REQUEST_NS) {
        log_warning("asked to end twice: ending at once");
        target_exit(128 + (int)number);
    }
}

static void signals_ready(struct poll *poll, uint32_t events)
{
    (void)events;
    struct signalfd_siginfo information;
    while (read(poll->descriptor, &information, sizeof information) == sizeof information)
        handle(information.ssi_signo);
}

enum result signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return FAILED;
    (void)signal(SIGPIPE, SIG_IGN);
    signals = (struct poll){ .descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
                             .ready = signals_ready };
    return signals.descriptor < 0 ? FULL : poll_add(&signals);
}

void signals_close(void)
{
    poll_remove(&signals);
    (void)close(signals.descriptor);
}
