/* net_descriptor.c - the loop's side of a net that lives behind a descriptor.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_descriptor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOG_MODULE "net"
#include "log/log.h"

/* How often in a row a user may be told and not read. */
#define IGNORED_MAX     16
#define SILENT_AGAIN_NS MS_NS

static void watch_level(struct net_descriptor *descriptor)
{
    descriptor->awaits_room = descriptor->is_silent = false;
    if (poll_add_level(&descriptor->poll) != OK) {
        log_error("the host does not watch another descriptor: the net stands still");
        net_descriptor_gone(descriptor);
    }
}

/* Removed rather than silenced: the host tells of an error on a descriptor whether it was asked or
 * not. */
static void fall_silent(struct net_descriptor *descriptor)
{
    poll_remove(&descriptor->poll);
    descriptor->is_silent = true;
    alarm_set(&descriptor->again, deadline_after(loop_now_ns(), SILENT_AGAIN_NS));
}

static void tell(struct net_descriptor *descriptor)
{
    struct net_user *user = descriptor->net->user;
    if (user == NULL) return;
    descriptor->ignored_turns++;
    user->ready(user);
    if (descriptor->net->user == NULL || descriptor->is_gone || descriptor->is_silent) return;
    if (descriptor->ignored_turns > IGNORED_MAX && !descriptor->awaits_room)
        fall_silent(descriptor);
    else if (descriptor->waits_inside)
        poll_again(&descriptor->poll);
    else if (descriptor->ignored_turns > 0 && !descriptor->poll.added)
        watch_level(descriptor);
}

static void descriptor_ready(struct poll *poll, uint32_t events)
{
    struct net_descriptor *descriptor = CONTAINER_OF(poll, struct net_descriptor, poll);
    if (descriptor->awaits_room && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
        watch_level(descriptor);
        if (descriptor->has_room != NULL) descriptor->has_room(descriptor);
    }
    tell(descriptor);
}

static void again_due(struct alarm *alarm)
{
    struct net_descriptor *descriptor = CONTAINER_OF(alarm, struct net_descriptor, again);
    watch_level(descriptor);
    tell(descriptor);
}

void net_descriptor_init(struct net_descriptor *descriptor, struct net *net, int number)
{
    *descriptor = (struct net_descriptor){
        .poll = { .descriptor = number, .ready = descriptor_ready },
        .again.due = again_due,
        .net = net,
    };
    int flags = fcntl(number, F_GETFL);
    assert(flags >= 0);
    (void)fcntl(number, F_SETFL, flags | O_NONBLOCK);
    (void)fcntl(number, F_SETFD, FD_CLOEXEC);
}

void net_descriptor_close(struct net_descriptor *descriptor)
{
    net_descriptor_forget(descriptor);
    (void)close(descriptor->poll.descriptor);
    descriptor->poll.descriptor = -1;
}

void net_descriptor_watch(struct net_descriptor *descriptor)
{
    descriptor->ignored_turns = 0;
    if (!descriptor->is_gone) watch_level(descriptor);
}

void net_descriptor_forget(struct net_descriptor *descriptor)
{
    alarm_stop(&descriptor->again);
    poll_remove(&descriptor->poll);
    descriptor->is_silent = descriptor->awaits_room = descriptor->waits_inside = false;
}

void net_descriptor_read(struct net_descriptor *descriptor, enum net_descriptor_left left)
{
    descriptor->ignored_turns = 0;
    if (descriptor->is_gone) return;
    if (descriptor->is_silent) alarm_stop(&descriptor->again);
    descriptor->is_silent = false;
    /* Of edges a frame that was there before is none. */
    descriptor->waits_inside = left == NET_LEFT_INSIDE ||
                               (left == NET_LEFT_MORE && descriptor->awaits_room);
    if (left == NET_LEFT_MORE && !descriptor->awaits_room)
        poll_remove(&descriptor->poll);
    else if (!descriptor->poll.added)
        watch_level(descriptor);
    if (left != NET_LEFT_NOTHING) poll_again(&descriptor->poll);
}

/* An edge is told at once if there is room again already. */
void net_descriptor_await_room(struct net_descriptor *descriptor)
{
    if (descriptor->awaits_room || descriptor->is_gone) return;
    if (descriptor->is_silent) alarm_stop(&descriptor->again);
    descriptor->is_silent = false;
    descriptor->awaits_room = true;
    if (poll_add(&descriptor->poll) != OK) watch_level(descriptor);
}

void net_descriptor_gone(struct net_descriptor *descriptor)
{
    net_descriptor_forget(descriptor);
    descriptor->is_gone = true;
}
