/* net_tap_interface.h - a tap or a tun of the host, opened: what net_tap and the tender's device
 * have in common.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_TAP_INTERFACE_H
#define LOOM_NET_TAP_INTERFACE_H

#include "base/result.h"
#include "base/view.h"
#include "net/net.h"

struct net_tap_interface {
    int descriptor;     /* closed on exec; does not block */
    enum net_link link; /* NET_ETHERNET: a tap; NET_IP: a tun */
    bool has_header;    /* it can put a virtio_net_hdr before each frame, and does */
    uint16_t mtu_bytes; /* its own, within what is of use */
    uint8_t name[16];   /* ends in NUL */
};

/* Opens the interface `name`, which must exist. INVALID, NOT_FOUND, DENIED, EXISTS (somebody has
 * it), UNSUPPORTED (it is another kind), or FAILED; the log says what to do. */
enum result net_tap_interface_open(struct net_tap_interface *interface, struct view name) CHECKED;

/* The same with one that whoever started us has opened. It is not closed where this fails.
 * NOT_FOUND: it is none. UNSUPPORTED: it puts another header before each frame, and the log says
 * so. */
enum result net_tap_interface_of(struct net_tap_interface *interface, int descriptor) CHECKED;

/* Whether the descriptor is a socket that carries a frame each datagram. */
bool net_tap_is_socket_of_frames(int descriptor);

/* What is sent into an interface that is down is lost: the log says so, and what helps. */
void net_tap_interface_warn_if_down(const struct net_tap_interface *interface);

/* A locally administered address (IEEE 802 8.2) that this host's net of this name always has. */
struct mac net_tap_mac(struct view name);

#endif
