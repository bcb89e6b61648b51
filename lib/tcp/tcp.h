/* tcp.h - the signature of TCP: connections in both directions, each a flow.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_H
#define LOOM_TCP_H

#include "flow/flow.h"

struct tcp {
    const struct tcp_ops *ops;
};

/* Where a server takes its connections. Belongs to the caller until listener_close. */
struct listener {
    const struct listener_ops *ops;
    struct endpoint local; /* the port is the real one, also when any was asked for */
};

struct listen_options {
    size_t backlog; /* complete connections that may wait to be accepted; what comes beyond is not
                       answered */
    bool keepalive; /* of those accepted: a peer that is silent for long is asked whether it is
                       still there, and the connection fails when it is not (RFC 9293 3.8.4) */
    uint8_t traffic_class; /* of what those accepted send, and the answers to their SYNs: the
                              Differentiated Services field in the upper six bits (RFC 2474 3). The
                              lower two are ECN's and not looked at. */
};

struct connect_options {
    struct endpoint local; /* where it is to come from; any, if zeroed */
    bool keepalive;        /* as listen_options' */
    uint8_t traffic_class; /* the same, of all that it sends from its SYN on */
};

struct tcp_ops {
    enum result (*listen)(struct tcp *tcp, const struct endpoint *local,
                          const struct listen_options *options, struct listener **listener);
    enum result (*connect)(struct tcp *tcp, const struct endpoint *peer,
                           const struct connect_options *options, struct flow **flow,
                           uint64_t deadline_ns);
};

struct listener_ops {
    enum result (*accept)(struct listener *listener, struct flow **flow, uint64_t deadline_ns);
    void (*drain)(struct listener *listener);
    void (*close)(struct listener *listener);
};

#define TCP_OPS(impl) \
    { \
        .listen = impl##_listen, .connect = impl##_connect \
    }
#define LISTENER_OPS(impl) \
    { \
        .accept = impl##_accept, .drain = impl##_drain, .close = impl##_close \
    }

/* Listens on `local` (any address, or one of the image's own). EXISTS: the port is taken. DENIED:
 * the port is not for this image. FULL: no more listeners. UNREACHABLE: not an address of this
 * image. The log tells which. */
CHECKED static inline enum result tcp_listen(struct tcp *tcp, const struct endpoint *local,
                                             const struct listen_options *options,
                                             struct listener **listener)
{
    assert(options->backlog > 0);
    return tcp->ops->listen(tcp, local, options, listener);
}

/* Waits until the connection is established. `options` may be NULL. REFUSED: nobody listens there.
 * UNREACHABLE: no way there, or the local address is not one of this image. EXISTS: the local port
 * is taken. FULL: no more connections here. */
CHECKED static inline enum result tcp_connect(struct tcp *tcp, const struct endpoint *peer,
                                              const struct connect_options *options,
                                              struct flow **flow, uint64_t deadline_ns)
{
    assert(peer->address.family != ADDRESS_ANY && peer->port != 0);
    return tcp->ops->connect(tcp, peer, options, flow, deadline_ns);
}

/* Waits for the next complete connection. FULL: the pool of connections is empty; the connection
 * waits in the backlog, so close some and come back. CLOSED: drained, and the last one has been
 * given. With NO_WAIT, TIMED_OUT means that none is there now. Where the listener's address is any,
 * flow->local may be too: the port is right, and nobody has asked which address it was. One fiber
 * at a time. */
CHECKED static inline enum result listener_accept(struct listener *listener, struct flow **flow,
                                                  uint64_t deadline_ns)
{
    enum result result = fiber_give_way(deadline_ns);
    return result == OK ? listener->ops->accept(listener, flow, deadline_ns) : result;
}

/* Takes no new connection attempt from now on. Those whose handshake is complete, or completes now,
 * are still to be accepted, so that closing the listener a moment later resets nobody. */
static inline void listener_drain(struct listener *listener)
{
    listener->ops->drain(listener);
}

/* Ends the listener. Connections that nobody accepted are reset. No fiber may be waiting in accept.
 */
static inline void listener_close(struct listener *listener)
{
    listener->ops->close(listener);
}

#endif
