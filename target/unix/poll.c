/* poll.c - the epoll instance, and target_wait on top of it.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/poll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/units.h"
#include "target/clock.h"
#include "target/wait.h"

#define EVENTS_MAX 256

/* The image's one epoll instance, and the events of the burst that is being delivered. */
static struct {
    int descriptor;
    int burst_length, burst_at;
    struct epoll_event burst[EVENTS_MAX];
    struct list again;
} poller = { .descriptor = -1 };

enum result poll_open(void)
{
    poller.descriptor = epoll_create1(EPOLL_CLOEXEC);
    list_init(&poller.again);
    return poller.descriptor < 0 ? FULL : OK;
}

void poll_close(void)
{
    (void)close(poller.descriptor);
    poller.descriptor = -1;
}

/* Begins to watch, or watches other events from now on. */
static enum result watch_events(struct poll *poll, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = poll };
    int operation = poll->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(poller.descriptor, operation, poll->descriptor, &event) == 0) {
        poll->added = true;
        poll->tells_output = (events & EPOLLOUT) != 0;
        return OK;
    }
    assert(errno != EBADF && errno != EEXIST && errno != EINVAL && errno != ENOENT);
    return errno == EPERM ? UNSUPPORTED : FULL;
}

enum result poll_add(struct poll *poll)
{
    assert(!poll->tells_output);
    return watch_events(poll, EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

enum result poll_add_input(struct poll *poll)
{
    assert(!poll->added);
    return watch_events(poll, EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET);
}

enum result poll_add_level(struct poll *poll)
{
    if (list_holds(&poll->again)) list_remove(&poll->again);
    return watch_events(poll, EPOLLIN);
}

void poll_silence(struct poll *poll)
{
    enum result result = watch_events(poll, 0);
    assert_that(result, ==, OK);
}

void poll_again(struct poll *poll)
{
    if (!list_holds(&poll->again)) list_append(&poller.again, &poll->again);
}

void poll_forget(struct poll *poll)
{
    if (list_holds(&poll->again)) list_remove(&poll->again);
    if (!poll->added) return;
    poll->added = poll->tells_output = false;
    for (int i = poller.burst_at; i < poller.burst_length; i++) {
        if (poller.burst[i].data.ptr == poll) poller.burst[i].data.ptr = NULL;
    }
}

void poll_remove(struct poll *poll)
{
    if (poll->added) {
        int removed = epoll_ctl(poller.descriptor, EPOLL_CTL_DEL, poll->descriptor, NULL);
        assert(removed == 0);
    }
    poll_forget(poll);
}

/* Linux before 5.11, and valgrind, know only milliseconds: rounded up, so as not to spin. */
static int wait_in_ms(uint64_t left_ns)
{
    uint64_t left_ms = left_ns / MS_NS + (left_ns % MS_NS != 0);
    int timeout_ms = left_ns == NEVER ? -1 : (int)MIN(left_ms, (uint64_t)60 * 1000);
    return epoll_wait(poller.descriptor, poller.burst, EVENTS_MAX, timeout_ms);
}

static int wait_for_events(uint64_t deadline_ns)
{
    uint64_t now_ns = deadline_ns == NO_WAIT ? 0 : clock_monotonic_ns();
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    if (deadline_ns == NEVER) left_ns = NEVER;
    struct timespec timeout = { (time_t)(left_ns / S_NS), (long)(left_ns % S_NS) };
    int count = epoll_pwait2(poller.descriptor, poller.burst, EVENTS_MAX,
                             left_ns == NEVER ? NULL : &timeout, NULL);
    return count < 0 && errno == ENOSYS ? wait_in_ms(left_ns) : count;
}

/* Those that ask for another turn meanwhile get the next one. */
static void tell_again(void)
{
    struct list due;
    list_init(&due);
    list_move_all(&due, &poller.again);
    for (struct list_node *node = list_take(&due); node != NULL; node = list_take(&due)) {
        struct poll *poll = CONTAINER_OF(node, struct poll, again);
        poll->ready(poll, EPOLLIN);
    }
}

void target_wait(uint64_t deadline_ns)
{
    int count = wait_for_events(list_is_empty(&poller.again) ? deadline_ns : NO_WAIT);
    if (count < 0) {
        assert_that(errno, ==, EINTR);
        return;
    }
    poller.burst_length = count;
    for (poller.burst_at = 0; poller.burst_at < count;) {
        struct epoll_event event = poller.burst[poller.burst_at++];
        struct poll *poll = event.data.ptr;
        if (poll != NULL) poll->ready(poll, event.events);
    }
    poller.burst_length = poller.burst_at = 0;
    tell_again();
}
