/* flow_socket.h - a flow over a connected TCP socket of the host.
 *
 * Made for one recv and one sendmsg a request. A connection is not given to epoll until something
 * has to wait for it; one that is answered at once and closed never is. Readiness is
 * edge-triggered: `maybe_readable` says whether a recv is worth trying, and a recv that got less
 * than its room has drained the socket (epoll(7)), so nobody asks again only to see EAGAIN.
 *
 * Private to tcp_socket, which owns the pool of them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FLOW_SOCKET_H
#define LOOM_FLOW_SOCKET_H

#include "flow/flow.h"
#include "target/unix/poll.h"

#define FLOW_SOCKET_BUFFER_BYTES ((size_t)16384)

struct tcp_socket;

struct flow_socket {
    struct flow flow;
    struct poll poll;
    struct tcp_socket *tcp;
    struct list_node node; /* among the free */
    struct waiters reader, writer;
    struct loan *loan; /* a part of it has gone */
    size_t loan_sent_bytes;
    struct span buffer; /* what is borrowed from; empty while nothing is left in it */
    size_t buffer_start_bytes, buffer_end_bytes;
    bool is_borrowed;
    bool maybe_readable; /* a recv may find something */
    bool reads_on;       /* a short recv does not mean that there was no more: behind it stands an
                            end, an error, or the mark of urgent data, at which recv stops */
    bool ended;          /* the peer is done and all is read */
    bool delays_acks;    /* it was accepted: acknowledgements wait for an answer to ride on */
    bool is_unanswered;  /* something was read, and nothing has been sent since */
    bool failed;
    bool shut;          /* nothing more is to be written */
    bool shut_deferred; /* the loan goes first */
};

/* Makes a flow of the descriptor, which is non-blocking; fills all but the endpoints. */
void flow_socket_init(struct flow_socket *socket, struct tcp_socket *tcp, int descriptor);

/* Before something waits for more input: the peer may be waiting for its acknowledgement. */
void flow_socket_acknowledge(struct flow_socket *socket);

/* Waits for readiness, and gives the descriptor to epoll first if it is not there yet and the
 * deadline has not passed. */
enum result flow_socket_wait(struct flow_socket *socket, struct waiters *waiters,
                             const char *reason, uint64_t deadline_ns) CHECKED;

/* ---- for the files of flow_socket ---- */

enum result flow_socket_read(struct flow *flow, struct span room, size_t *length_bytes,
                             uint64_t deadline_ns) CHECKED;
enum result flow_socket_borrow(struct flow *flow, struct view *bytes, uint64_t deadline_ns) CHECKED;
void flow_socket_give_back(struct flow *flow, size_t consumed_bytes);
enum result flow_socket_write(struct flow *flow, const struct view views[], size_t count,
                              size_t *written_bytes, uint64_t deadline_ns) CHECKED;
enum result flow_socket_lend(struct flow *flow, struct loan *loan, uint64_t deadline_ns) CHECKED;
enum result flow_socket_shut(struct flow *flow) CHECKED;

/* Sends more of the loan, if there is one; called when there is room. */
void flow_socket_continue_loan(struct flow_socket *socket);

/* Takes note that the connection broke, and says so at the level of debugging. */
enum result flow_socket_fail(struct flow_socket *socket, const char *call, int error);

/* Begins to watch the descriptor for input, or for room too; FAILED when the host does not let it.
 */
enum result flow_socket_register(struct flow_socket *socket, bool for_room) CHECKED;

#endif
