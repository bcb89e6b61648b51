/* net_host_choice.h - what may stand behind a net, in the words of `--net`.
 *
 *     passt             the default: passt is started, and the image is 10.0.2.15/24 there
 *     tap:tap0          a tap or tun of the host, by name
 *     fd:3              one that is open already, or a socket: a stream as passt has it, or a frame
 *                       each datagram
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_HOST_CHOICE_H
#define LOOM_NET_HOST_CHOICE_H

#include "base/result.h"
#include "base/view.h"

enum net_host_kind { NET_HOST_PASST, NET_HOST_TAP, NET_HOST_DESCRIPTOR };

struct net_host_choice {
    enum net_host_kind kind;
    struct view interface; /* of NET_HOST_TAP: a part of the words */
    int descriptor;        /* of NET_HOST_DESCRIPTOR */
};

/* INVALID: these are none of those words. */
enum result net_host_choice_read(struct net_host_choice *choice, struct view words) CHECKED;

/* Whether the descriptor is a stream, which carries frames as passt does. */
bool net_host_is_stream(int descriptor);

#endif
