/* net_host.h - the net that whoever starts the image has chosen: what stands behind it is an
 * attachment, not a part of the image.
 *
 *     --net=passt       the default: passt is started, and the image is 10.0.2.15/24 there
 *     --net=tap:tap0    a tap or tun of the host, by name
 *     --net=fd:3        one that is open already, or a socket: a stream as passt has it, or a frame
 *                       each datagram
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_HOST_H
#define LOOM_NET_HOST_H

#include "metrics/metrics.h"
#include "net/net_pcap.h"
#include "parameter/parameter.h"
#include "target/unix/net_capture_file.h"
#include "target/unix/net_host_choice.h"
#include "target/unix/net_passt.h"
#include "target/unix/net_passt_process.h"
#include "target/unix/net_tap.h"

struct net_host_parameters {
    struct net_host_choice net;
    struct view publish;
    struct mac mac;      /* zero: made of the names of host and interface */
    uint64_t mtu_bytes;  /* 0: the interface's, or passt's longest */
    struct view capture; /* the file that what passes is written to; empty: none */
};
extern const struct parameter net_host_parameters[];

struct net_host {
    struct net *net; /* for the user: the device's, or the capture's round it */
    union {          /* what was opened; its net is the first member of each */
        struct net device;
        struct net_tap tap;
        struct net_passt passt;
    };
    bool is_stream, is_captured;
    struct net_pcap pcap;
    struct net_capture_file file;
    struct net_passt_process process;
    struct metrics metrics;
};
static_assert(offsetof(struct net_tap, net) == 0 && offsetof(struct net_passt, net) == 0,
              "the net of each lies where the device's does");

/* The log says why it cannot be opened, and what helps. */
enum result net_host_open(struct net_host *host,
                          const struct net_host_parameters *parameters) CHECKED;

/* It is detached. */
void net_host_close(struct net_host *host);

#endif
