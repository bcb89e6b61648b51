/* tcp_socket_listener.c - taking connections from the host, and ending without a reset.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "target/unix/stack_socket_address.h"
#include "target/unix/tcp_socket.h"

#define LOG_MODULE "tcp"
#include "log/log.h"

/* How long after listener_drain a handshake that was under way can still complete: a round trip
 * half round the world. */
#define HANDSHAKE_NS (200 * MS_NS)

static struct tcp_socket_listener *listener_of(struct listener *listener)
{
    return CONTAINER_OF(listener, struct tcp_socket_listener, listener);
}

/* The event comes again for as long as a connection waits, whether or not the last accept looked
 * for another one. */
static void listener_ready(struct poll *poll, uint32_t events)
{
    struct tcp_socket_listener *listener = CONTAINER_OF(poll, struct tcp_socket_listener, poll);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) return;
    if (!listener->maybe_waiting) listener->burst_count = 0;
    listener->maybe_waiting = true;
    if (waiters_is_empty(&listener->acceptors)) {
        listener->is_silent = true;
        poll_silence(&listener->poll);
    }
    waiters_wake_all(&listener->acceptors);
}

/* An accept that finds nothing costs nearly as much as one that does, for the host makes the socket
 * first. So where connections come one by one the next event is left to tell of the next, and only
 * now and then is it tried whether they come in bursts. */
static bool expects_more(struct tcp_socket_listener *listener)
{
    enum { PROBE_EVERY = 8 };
    listener->burst_count++;
    return listener->comes_in_bursts || ++listener->alone_count % PROBE_EVERY == 0;
}

static void note_none_waits(struct tcp_socket_listener *listener)
{
    listener->comes_in_bursts = listener->burst_count > 1;
    listener->maybe_waiting = false;
}

/* ---- accepting ---- */

static bool lacks_room(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static enum result complain_of_no_room(struct tcp_socket_listener *listener, int error)
{
    listener->tcp->no_room_count++;
    log_warning("cannot accept a connection: %s (raise the limit of descriptors with ulimit -n, or "
                "give fewer --tcp-connections)",
                strerror(error));
    return FULL;
}

static struct flow *make_flow(struct tcp_socket_listener *listener, int descriptor,
                              const union socket_address *peer)
{
    struct flow_socket *socket = tcp_socket_take_flow(listener->tcp);
    flow_socket_init(socket, listener->tcp, descriptor);
    socket->maybe_readable = socket->delays_acks = true;
    /* With any for an address this stays any: a getsockname for each connection would tell more,
     * and cost every one of them a system call that hardly anybody needs. */
    socket->flow.local = listener->listener.local;
    socket->flow.peer = socket_address_endpoint(peer);
    listener->tcp->accepted_count++;
    return &socket->flow;
}

/* TIMED_OUT: none is there. Every other error is of the connection that would have come, and the
 * next one may be well (accept(2), "Error handling"). */
static enum result accept_now(struct tcp_socket_listener *listener, struct flow **flow)
{
    for (;;) {
        union socket_address peer = { 0 };
        socklen_t length = sizeof peer;
        int descriptor = accept4(listener->poll.descriptor, &peer.any, &length,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            listener->maybe_waiting = expects_more(listener);
            *flow = make_flow(listener, descriptor, &peer);
            return OK;
        }
        if (errno == EAGAIN) {
            note_none_waits(listener);
            return TIMED_OUT;
        }
        if (lacks_room(errno)) return complain_of_no_room(listener, errno);
        assert(errno != EBADF && errno != EINVAL && errno != EFAULT && errno != ENOTSOCK);
    }
}

/* A pool without room is told only when a connection is there for it. */
static enum result accept_if_room(struct tcp_socket_listener *listener, struct flow **flow)
{
    if (tcp_socket_has_room(listener->tcp)) return accept_now(listener, flow);
    if (!listener->maybe_waiting) return TIMED_OUT;
    listener->tcp->no_room_count++;
    return FULL;
}

static enum result wait_for_connection(struct tcp_socket_listener *listener, uint64_t deadline_ns)
{
    uint64_t end_ns = listener->drained_ns != 0 ? listener->drained_ns : NEVER;
    if (listener->is_silent) {
        listener->is_silent = false;
        enum result heard = poll_add_level(&listener->poll);
        assert_that(heard, ==, OK);
    }
    enum result result = waiters_wait(&listener->acceptors, "listener_accept",
                                      MIN(deadline_ns, end_ns));
    return result == TIMED_OUT && end_ns <= loop_now_ns() ? CLOSED : result;
}

static enum result tcp_socket_listener_accept(struct listener *base, struct flow **flow,
                                              uint64_t deadline_ns)
{
    struct tcp_socket_listener *listener = listener_of(base);
    bool polls = deadline_ns <= loop_now_ns();
    for (;;) {
        if (listener->maybe_waiting || polls || listener->drained_ns != 0) {
            enum result result = accept_if_room(listener, flow);
            if (result != TIMED_OUT) return result;
        }
        enum result waited = wait_for_connection(listener, deadline_ns);
        if (waited != OK) return waited;
    }
}

/* ---- the end ---- */

/* Closing a listener resets what its queue holds, and what completes a handshake meanwhile. So new
 * attempts must first find nobody, while the listener lives on: it is bound to an interface that no
 * segment comes from, the largest index there can be, and the host answers every SYN as that of a
 * port that is closed. Handshakes under way belong to the interface that they came in by, and
 * complete. (A filter that drops every SYN would do as well, but newer kernels let only
 * CAP_NET_ADMIN put one on a TCP socket. Who was let in by a SYN cookie, which a host uses when
 * more handshakes are under way than it remembers, is reset.) */
static void tcp_socket_listener_drain(struct listener *base)
{
    const int nowhere = INT_MAX;
    struct tcp_socket_listener *listener = listener_of(base);
    if (listener->drained_ns != 0) return;
    if (setsockopt(listener->poll.descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, &nowhere,
                   sizeof nowhere) != 0) {
        log_warning("cannot refuse new connections before the listener closes: %s (some may be "
                    "reset)",
                    strerror(errno));
    }
    listener->drained_ns = deadline_after(loop_now_ns(), HANDSHAKE_NS);
    waiters_wake_all(&listener->acceptors);
}

static void tcp_socket_listener_close(struct listener *base)
{
    struct tcp_socket_listener *listener = listener_of(base);
    assert(waiters_is_empty(&listener->acceptors));
    poll_forget(&listener->poll);
    (void)close(listener->poll.descriptor);
    listener->used = false;
}

static const struct listener_ops tcp_socket_listener_ops = LISTENER_OPS(tcp_socket_listener);

/* ---- listening ---- */

static struct tcp_socket_listener *find_unused(struct tcp_socket *tcp)
{
    for (size_t i = 0; i < TCP_SOCKET_LISTENERS; i++) {
        if (!tcp->listeners[i].used) return &tcp->listeners[i];
    }
    return NULL;
}

/* Below 0 with errno. Connections inherit from the listener, at no cost of their own, that nothing
 * is held back to be sent with more (TCP_NODELAY), and that an acknowledgement may be
 * (TCP_QUICKACK; flow_socket_acknowledge). */
static int start_listening(const struct endpoint *local, const struct listen_options *options)
{
    const int on = 1, off = 0;
    int family;
    int descriptor = socket_bind(local, SOCK_STREAM, &family);
    if (descriptor < 0) return -1;
    /* Linux takes one more than it is told. */
    if (listen(descriptor, (int)MIN(options->backlog - 1, (size_t)INT32_MAX)) == 0) {
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        tcp_socket_set_traffic_class(descriptor, options->traffic_class);
        if (options->keepalive)
            (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        /* listen clears it. */
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
        return descriptor;
    }
    int error = errno;
    (void)close(descriptor);
    errno = error;
    return -1;
}

static void fill_listener(struct tcp_socket_listener *listener, struct tcp_socket *tcp,
                          int descriptor, const struct endpoint *local)
{
    *listener = (struct tcp_socket_listener){
        .listener = { .ops = &tcp_socket_listener_ops, .local = *local },
        .poll = { .descriptor = descriptor, .ready = listener_ready },
        .tcp = tcp,
        .used = true,
    };
    listener->listener.local.port = socket_local(descriptor).port;
    waiters_init(&listener->acceptors);
}

enum result tcp_socket_listen(struct tcp *base, const struct endpoint *local,
                              const struct listen_options *options, struct listener **made)
{
    struct tcp_socket *tcp = CONTAINER_OF(base, struct tcp_socket, tcp);
    struct tcp_socket_listener *listener = find_unused(tcp);
    if (listener == NULL) {
        log_error("cannot listen: %u listeners are open, and there is no room for more",
                  TCP_SOCKET_LISTENERS);
        return FULL;
    }
    int descriptor = start_listening(local, options);
    if (descriptor < 0) {
        int error = errno;
        socket_complain("listen on", local, error);
        return socket_result(error);
    }
    fill_listener(listener, tcp, descriptor, local);
    enum result result = poll_add_level(&listener->poll);
    if (result != OK) {
        tcp_socket_listener_close(&listener->listener);
        return result;
    }
    *made = &listener->listener;
    return OK;
}
