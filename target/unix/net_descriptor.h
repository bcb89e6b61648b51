/* net_descriptor.h - the loop's side of a net that lives behind a descriptor: when its user is told
 * that frames wait, and when that there is room again. Within net_tap and net_passt.
 *
 * The descriptor is watched level by level, so that nobody has to read until nothing is left. While
 * frames come faster than they are read the host is not asked to watch it: that costs the sender of
 * each frame a wake-up. A user that is told and does not read, turn after turn, is told only each
 * millisecond until it reads again: it would keep the loop from sleeping.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_DESCRIPTOR_H
#define LOOM_NET_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "fiber/fiber.h"
#include "net/net.h"
#include "target/unix/poll.h"

struct net_descriptor {
    struct poll poll;
    struct alarm again;
    struct net *net;
    /* NULL, or called before the user when there is room: to send what was held back. */
    void (*has_room)(struct net_descriptor *descriptor);
    unsigned ignored_turns;
    bool waits_inside; /* frames of which the host does not tell any more */
    bool is_silent;    /* the alarm tells, not the host */
    bool awaits_room;  /* watched for output too, and edge by edge */
    bool is_gone;      /* no more can come or go */
};

/* What a user that has read has left. */
enum net_descriptor_left {
    NET_LEFT_NOTHING, /* as far as is known */
    NET_LEFT_MORE,    /* probably, as all that was asked for has come */
    NET_LEFT_INSIDE,  /* frames that the host has handed over already */
};

/* The descriptor belongs to it from now on: it is made non-blocking, and closed on exec. */
void net_descriptor_init(struct net_descriptor *descriptor, struct net *net, int number);
void net_descriptor_close(struct net_descriptor *descriptor);

/* Attaches and detaches. */
void net_descriptor_watch(struct net_descriptor *descriptor);
void net_descriptor_forget(struct net_descriptor *descriptor);

/* The user has read. Unless nothing is left it is told in the next turn, without the host. */
void net_descriptor_read(struct net_descriptor *descriptor, enum net_descriptor_left left);

/* The host takes no more: the user is told when it does. */
void net_descriptor_await_room(struct net_descriptor *descriptor);

/* Nothing more can come or go: the loop is not to hear of it any more. */
void net_descriptor_gone(struct net_descriptor *descriptor);

#endif
