/* old_epoll.c - epoll_pwait2 in terms of epoll_pwait, to be preloaded: the valgrind of Debian 12
 * does not know the newer call, and the image would stop. The measure that runs there never waits,
 * so that the coarser timeout does not matter.
 *
 * SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

static int milliseconds(const struct timespec *timeout)
{
    if (timeout == NULL) return -1;
    int64_t rounded_up = timeout->tv_sec * INT64_C(1000) + (timeout->tv_nsec + 999999) / 1000000;
    return rounded_up > INT32_MAX ? INT32_MAX : (int)rounded_up;
}

/* The names of its parameters are ours, not the C library's.
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int epoll_pwait2(int descriptor, struct epoll_event *events, int count,
                 const struct timespec *timeout, const sigset_t *mask)
{
    return epoll_pwait(descriptor, events, count, milliseconds(timeout), mask);
}
