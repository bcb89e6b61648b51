/* udp.h - the signature of UDP: one socket, many peers, datagrams in bursts.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_H
#define LOOM_UDP_H

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/result.h"
#include "base/view.h"
#include "fiber/fiber.h"
#include "ip/address.h"

#define UDP_BURST_MAX   64
#define UDP_PAYLOAD_MAX 65507

struct udp {
    const struct udp_ops *ops;
};

/* Belongs to the caller until udp_port_close. */
struct udp_port {
    const struct udp_port_ops *ops;
    struct endpoint local; /* the port is the real one */
};

/* A datagram to send: `bytes` are the caller's, and free again when udp_send returns. */
struct datagram_out {
    struct endpoint peer;
    struct address source; /* ADDRESS_ANY: the best one */
    struct view bytes;
};

/* A datagram received into `room`, which the caller gives. */
struct datagram_in {
    struct span room;
    size_t length_bytes;
    bool truncated; /* it was longer than the room, and the rest is lost */
    struct endpoint peer;
    struct address destination; /* the local address it came to, which an answer should come from */
};

struct udp_ops {
    enum result (*bind)(struct udp *udp, const struct endpoint *local, struct udp_port **port);
};

struct udp_port_ops {
    enum result (*send)(struct udp_port *port, const struct datagram_out burst[], size_t count,
                        size_t *sent, uint64_t deadline_ns);
    enum result (*receive)(struct udp_port *port, struct datagram_in burst[], size_t count,
                           size_t *received, uint64_t deadline_ns);
    void (*close)(struct udp_port *port);
};

#define UDP_OPS(impl) \
    { \
        .bind = impl##_bind \
    }
#define UDP_PORT_OPS(impl) \
    { \
        .send = impl##_send, .receive = impl##_receive, .close = impl##_close \
    }

/* Binds `local`; port 0 takes a free one that cannot be predicted. EXISTS, DENIED, UNREACHABLE,
 * FULL as tcp_listen. */
CHECKED static inline enum result udp_bind(struct udp *udp, const struct endpoint *local,
                                           struct udp_port **port)
{
    return udp->ops->bind(udp, local, port);
}

/* Waits until at least one datagram has gone; *sent of the burst are gone, in order. On an error
 * nothing has gone and the first datagram is the one it speaks of: TOO_LARGE, UNREACHABLE (no way
 * there, or the source is not an address of this image), INVALID (no peer, port 0, or a source of
 * another family), DENIED (a broadcast, or the host's filter). Datagrams may be lost on the way, as
 * ever. */
CHECKED static inline enum result udp_send(struct udp_port *port, const struct datagram_out burst[],
                                           size_t count, size_t *sent, uint64_t deadline_ns)
{
    assert(count > 0 && count <= UDP_BURST_MAX);
    *sent = 0;
    enum result result = fiber_give_way(deadline_ns);
    if (result == OK) result = port->ops->send(port, burst, count, sent, deadline_ns);
    assert((result == OK) == (*sent > 0) && *sent <= count);
    return result;
}

/* Waits until at least one datagram has come; fills *received of the burst, each into its room. One
 * without bytes is a datagram too.
 * REFUSED: an earlier datagram of ours met a closed port; nothing was received, and the port goes
 * on. */
CHECKED static inline enum result udp_receive(struct udp_port *port, struct datagram_in burst[],
                                              size_t count, size_t *received, uint64_t deadline_ns)
{
    assert(count > 0 && count <= UDP_BURST_MAX);
    *received = 0;
    enum result result = fiber_give_way(deadline_ns);
    if (result == OK) result = port->ops->receive(port, burst, count, received, deadline_ns);
    assert((result == OK) == (*received > 0));
    return result;
}

/* No fiber may be waiting on the port. Datagrams not received are lost. */
static inline void udp_port_close(struct udp_port *port)
{
    port->ops->close(port);
}

#endif
