/* net_passt_process.h - passt as a process of the image's own: a user-mode network, for which
 * nobody needs to be root.
 *
 *     the image  ==== socketpair ====  passt  ---- ordinary sockets of the host
 *
 * passt ends when the image's end of the socket is closed, however the image ends. The image's
 * address and the gateway's are the same everywhere, so that neither side needs to be told.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_PASST_PROCESS_H
#define LOOM_NET_PASST_PROCESS_H

#include "base/result.h"
#include "base/view.h"
#include "net/net.h"

#define NET_PASST_ADDRESS "10.0.2.15"
#define NET_PASST_PREFIX  "24"
#define NET_PASST_GATEWAY "10.0.2.2"

struct net_passt_process {
    int number;     /* of the process; 0: none */
    int complaints; /* what it says on its stderr */
};

struct net_passt_process_options {
    struct view publish; /* "8080:80,8443:443": ports of 127.0.0.1 and of the image, for TCP and UDP
                            alike; empty: none */
    uint16_t mtu_bytes;
    struct mac mac; /* the image's */
};

/* Whether this is a list of ports to publish, or nothing. */
bool net_passt_publish_is_valid(struct view text);

/* Starts it, and stands still until it answers: some 12 ms, at most 3 s. *descriptor is the image's
 * end of the stream. NOT_FOUND: it is not installed; FAILED: it does not start here. The log says
 * what to do. */
enum result net_passt_process_start(struct net_passt_process *process,
                                    const struct net_passt_process_options *options,
                                    int *descriptor) CHECKED;

/* The image's end of the stream is closed. Stands still until the process has ended, which takes it
 * a millisecond. */
void net_passt_process_end(struct net_passt_process *process);

#endif
