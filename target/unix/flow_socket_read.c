/* flow_socket_read.c - reading and borrowing from a connected socket.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/socket.h>

#include "target/unix/flow_socket.h"
#include "target/unix/tcp_socket.h"

static struct flow_socket *socket_of(struct flow *flow)
{
    return CONTAINER_OF(flow, struct flow_socket, flow);
}

/* One recv. TIMED_OUT: nothing is there. */
static enum result receive(struct flow_socket *socket, struct span room, size_t *length_bytes)
{
    ssize_t received;
    do {
        received = recv(socket->poll.descriptor, room.bytes, room.length_bytes, 0);
    } while (received < 0 && errno == EINTR);
    if (received > 0) {
        *length_bytes = (size_t)received;
        socket->tcp->read_bytes += *length_bytes;
        socket->is_unanswered = true;
        if (*length_bytes < room.length_bytes && !socket->reads_on) socket->maybe_readable = false;
        return OK;
    }
    if (received == 0) {
        socket->ended = true;
        return CLOSED;
    }
    if (errno != EAGAIN) return flow_socket_fail(socket, "recv", errno);
    socket->maybe_readable = socket->reads_on = false;
    return TIMED_OUT;
}

/* Where the caller does not wait, recv is asked whatever the last event said: a spinning caller
 * must not miss what the loop has not seen yet. */
static enum result receive_until(struct flow_socket *socket, struct span room, size_t *length_bytes,
                                 uint64_t deadline_ns)
{
    bool polls = deadline_ns <= loop_now_ns();
    while (!socket->ended && !socket->failed) {
        if (socket->maybe_readable || polls) {
            enum result result = receive(socket, room, length_bytes);
            if (result != TIMED_OUT) return result;
        }
        enum result waited = flow_socket_wait(socket, &socket->reader, "flow_read", deadline_ns);
        if (waited != OK) return waited;
    }
    return socket->failed ? FAILED : CLOSED;
}

/* ---- the buffer of borrows ---- */

static struct view buffered(const struct flow_socket *socket)
{
    if (socket->buffer.length_bytes == 0) return (struct view){ 0 };
    return view_slice(span_view(socket->buffer), socket->buffer_start_bytes,
                      socket->buffer_end_bytes - socket->buffer_start_bytes);
}

static void consume(struct flow_socket *socket, size_t length_bytes)
{
    socket->buffer_start_bytes += length_bytes;
    if (socket->buffer_start_bytes < socket->buffer_end_bytes) return;
    tcp_socket_give_buffer(socket->tcp, socket->buffer);
    socket->buffer = (struct span){ 0 };
}

/* A buffer is taken only when a recv is worth trying, so that fibers that wait hold none. */
static enum result fill_buffer(struct flow_socket *socket)
{
    size_t length_bytes = 0;
    struct span buffer = tcp_socket_take_buffer(socket->tcp);
    if (buffer.length_bytes == 0) return FULL;
    enum result result = receive(socket, buffer, &length_bytes);
    if (result != OK) {
        tcp_socket_give_buffer(socket->tcp, buffer);
        return result;
    }
    socket->buffer = buffer;
    socket->buffer_start_bytes = 0;
    socket->buffer_end_bytes = length_bytes;
    return OK;
}

static enum result fill_buffer_until(struct flow_socket *socket, uint64_t deadline_ns)
{
    bool polls = deadline_ns <= loop_now_ns();
    while (!socket->ended && !socket->failed) {
        if (socket->maybe_readable || polls) {
            enum result result = fill_buffer(socket);
            if (result != TIMED_OUT) return result;
        }
        enum result waited = flow_socket_wait(socket, &socket->reader, "flow_borrow", deadline_ns);
        if (waited != OK) return waited;
    }
    return socket->failed ? FAILED : CLOSED;
}

/* ---- the signature ---- */

enum result flow_socket_read(struct flow *flow, struct span room, size_t *length_bytes,
                             uint64_t deadline_ns)
{
    struct flow_socket *socket = socket_of(flow);
    assert(!socket->is_borrowed);
    struct view left = buffered(socket);
    if (left.length_bytes == 0) return receive_until(socket, room, length_bytes, deadline_ns);
    left = view_first(left, MIN(left.length_bytes, room.length_bytes));
    (void)span_copy(room, left);
    *length_bytes = left.length_bytes;
    consume(socket, left.length_bytes);
    return OK;
}

enum result flow_socket_borrow(struct flow *flow, struct view *bytes, uint64_t deadline_ns)
{
    struct flow_socket *socket = socket_of(flow);
    assert(!socket->is_borrowed);
    if (socket->buffer.length_bytes == 0) {
        enum result result = fill_buffer_until(socket, deadline_ns);
        if (result != OK) return result;
    }
    *bytes = buffered(socket);
    socket->is_borrowed = true;
    return OK;
}

void flow_socket_give_back(struct flow *flow, size_t consumed_bytes)
{
    struct flow_socket *socket = socket_of(flow);
    assert(socket->is_borrowed);
    assert_that(consumed_bytes, <=, buffered(socket).length_bytes);
    socket->is_borrowed = false;
    consume(socket, consumed_bytes);
}
