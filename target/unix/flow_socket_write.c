/* flow_socket_write.c - writing, lending and shutting a connected socket.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/socket.h>

#include "target/unix/flow_socket.h"
#include "target/unix/stack_socket_address.h"
#include "target/unix/tcp_socket.h"

static struct flow_socket *socket_of(struct flow *flow)
{
    return CONTAINER_OF(flow, struct flow_socket, flow);
}

/* What is still to be sent. */
struct pieces {
    struct iovec vector[FLOW_VIEWS_MAX];
    size_t first, count;
};

static void gather(struct pieces *pieces, const struct view views[], size_t count)
{
    pieces->first = pieces->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (views[i].length_bytes > 0) pieces->vector[pieces->count++] = socket_iovec(views[i]);
    }
}

static void advance(struct pieces *pieces, size_t sent_bytes)
{
    while (sent_bytes > 0) {
        struct iovec *piece = &pieces->vector[pieces->first];
        struct view left = view_from(piece->iov_base, piece->iov_len);
        size_t step_bytes = MIN(sent_bytes, left.length_bytes);
        *piece = socket_iovec(view_from_offset(left, step_bytes));
        if (piece->iov_len == 0) pieces->first++;
        sent_bytes -= step_bytes;
    }
}

/* One sendmsg. OK with *sent_bytes 0: there is no room. */
static enum result send_vector(struct flow_socket *socket, struct iovec vector[], size_t count,
                               size_t *sent_bytes)
{
    const struct msghdr message = { .msg_iov = vector, .msg_iovlen = count };
    /* The host keeps the last bytes for the segment that carries the FIN. */
    const int flags = MSG_NOSIGNAL | (socket->flow.is_last ? MSG_MORE : 0);
    ssize_t sent;
    do {
        sent = sendmsg(socket->poll.descriptor, &message, flags);
    } while (sent < 0 && errno == EINTR);
    *sent_bytes = sent > 0 ? (size_t)sent : 0;
    socket->tcp->written_bytes += *sent_bytes;
    if (sent > 0) socket->is_unanswered = false;
    if (sent >= 0 || errno == EAGAIN) return OK;
    if (errno != EPIPE) return flow_socket_fail(socket, "sendmsg", errno);
    socket->shut = true;
    return CLOSED;
}

static enum result writing_state(const struct flow_socket *socket)
{
    if (socket->shut) return CLOSED;
    return socket->failed ? FAILED : OK;
}

static enum result wait_for_room(struct flow_socket *socket, const char *reason,
                                 uint64_t deadline_ns)
{
    enum result result = flow_socket_wait(socket, &socket->writer, reason, deadline_ns);
    return result != OK ? result : writing_state(socket);
}

/* Waits until no loan stands before what comes now. */
static enum result wait_for_turn(struct flow_socket *socket, const char *reason,
                                 uint64_t deadline_ns)
{
    enum result result = writing_state(socket);
    while (result == OK && socket->loan != NULL)
        result = wait_for_room(socket, reason, deadline_ns);
    return result;
}

enum result flow_socket_write(struct flow *flow, const struct view views[], size_t count,
                              size_t *written_bytes, uint64_t deadline_ns)
{
    struct flow_socket *socket = socket_of(flow);
    struct pieces pieces;
    gather(&pieces, views, count);
    enum result result = wait_for_turn(socket, "flow_write", deadline_ns);
    while (result == OK && pieces.first < pieces.count) {
        size_t sent_bytes;
        result = send_vector(socket, &pieces.vector[pieces.first], pieces.count - pieces.first,
                             &sent_bytes);
        advance(&pieces, sent_bytes);
        *written_bytes += sent_bytes;
        /* What was cut had no room, so sendmsg need not say it a second time. */
        if (result == OK && pieces.first < pieces.count)
            result = wait_for_room(socket, "flow_write", deadline_ns);
    }
    return result;
}

/* ---- loans ---- */

static enum result send_loan(struct flow_socket *socket, const struct loan *loan,
                             size_t *total_bytes)
{
    struct iovec left = socket_iovec(view_from_offset(loan->bytes, *total_bytes));
    size_t sent_bytes;
    enum result result = send_vector(socket, &left, 1, &sent_bytes);
    *total_bytes += sent_bytes;
    return result;
}

static void shut_socket(struct flow_socket *socket)
{
    if (shutdown(socket->poll.descriptor, SHUT_WR) != 0)
        (void)flow_socket_fail(socket, "shutdown", errno);
}

void flow_socket_continue_loan(struct flow_socket *socket)
{
    struct loan *loan = socket->loan;
    if (loan == NULL) return;
    enum result result = send_loan(socket, loan, &socket->loan_sent_bytes);
    if (result == OK && socket->loan_sent_bytes < loan->bytes.length_bytes) return;
    socket->loan = NULL;
    if (result == OK && socket->shut_deferred) shut_socket(socket);
    loan->done(loan);
}

/* Keeps the loan, of which a part has gone; the loop sends the rest. */
static void keep_loan(struct flow_socket *socket, struct loan *loan, size_t sent_bytes)
{
    if (flow_socket_register(socket, true) != OK) {
        loan->done(loan);
        return;
    }
    socket->loan = loan;
    socket->loan_sent_bytes = sent_bytes;
}

enum result flow_socket_lend(struct flow *flow, struct loan *loan, uint64_t deadline_ns)
{
    struct flow_socket *socket = socket_of(flow);
    size_t sent_bytes = 0;
    enum result result = wait_for_turn(socket, "flow_lend", deadline_ns);
    while (result == OK) {
        result = send_loan(socket, loan, &sent_bytes);
        if (result != OK || sent_bytes > 0) break;
        result = wait_for_room(socket, "flow_lend", deadline_ns);
    }
    if (result != OK) return result;
    if (sent_bytes < loan->bytes.length_bytes) {
        keep_loan(socket, loan, sent_bytes);
    } else {
        loan->done(loan);
    }
    return OK;
}

enum result flow_socket_shut(struct flow *flow)
{
    struct flow_socket *socket = socket_of(flow);
    if (socket->failed) return FAILED;
    if (socket->shut) return OK;
    socket->shut = true;
    if (socket->loan != NULL) {
        socket->shut_deferred = true;
        return OK;
    }
    shut_socket(socket);
    return socket->failed ? FAILED : OK;
}
