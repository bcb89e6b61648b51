/* flow_socket.c - a flow over a connected TCP socket: readiness, watches and the end.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/flow_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "tcp"
#include "log/log.h"
#include "target/unix/tcp_socket.h"

static struct flow_socket *socket_of(struct flow *flow)
{
    return CONTAINER_OF(flow, struct flow_socket, flow);
}

enum result flow_socket_fail(struct flow_socket *socket, const char *call, int error)
{
    if (!socket->failed) log_debug("connection broke in %s: %s", call, strerror(error));
    socket->failed = true;
    return FAILED;
}

/* ---- readiness ---- */

static void socket_ready(struct poll *poll, uint32_t events)
{
    struct flow_socket *socket = CONTAINER_OF(poll, struct flow_socket, poll);
    const uint32_t broken = EPOLLERR | EPOLLHUP;
    if ((events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | broken)) != 0) {
        socket->maybe_readable = true;
        if ((events & (EPOLLPRI | EPOLLRDHUP | broken)) != 0) socket->reads_on = true;
        waiters_wake_one(&socket->reader);
        flow_notify(&socket->flow, OK);
    }
    if ((events & (EPOLLOUT | broken)) != 0) {
        flow_socket_continue_loan(socket);
        waiters_wake_one(&socket->writer);
    }
}

enum result flow_socket_register(struct flow_socket *socket, bool for_room)
{
    struct poll *poll = &socket->poll;
    if (for_room ? poll->tells_output : poll->added) return OK;
    if ((for_room ? poll_add(poll) : poll_add_input(poll)) == OK) return OK;
    log_error("cannot watch a connection: the host's limit is reached "
              "(raise fs.epoll.max_user_watches)");
    socket->failed = true;
    return FAILED;
}

/* A request is mostly whole and answered at once, and then its acknowledgement rides on the answer:
 * one segment less. But where more is to come, a peer that follows Nagle's rule (RFC 1122 4.2.3.4)
 * keeps it back until what it sent is acknowledged. Once is enough: from then on the host judges.
 */
void flow_socket_acknowledge(struct flow_socket *socket)
{
    const int on = 1;
    if (!socket->delays_acks || !socket->is_unanswered) return;
    socket->delays_acks = false;
    (void)setsockopt(socket->poll.descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

enum result flow_socket_wait(struct flow_socket *socket, struct waiters *waiters,
                             const char *reason, uint64_t deadline_ns)
{
    bool for_room = waiters == &socket->writer;
    if (!for_room) flow_socket_acknowledge(socket);
    enum result result = deadline_ns > loop_now_ns() ? flow_socket_register(socket, for_room) : OK;
    return result != OK ? result : waiters_wait(waiters, reason, deadline_ns);
}

/* A fresh connection may have its first bytes already, and asking epoll costs as much as asking
 * recv: so the watch fires, and the read finds out. (Telling it a turn of the loop later was tried:
 * hardly more of them had their bytes by then. TCP_DEFER_ACCEPT would have the host wait for the
 * bytes, but a listener that closes would reset those who are waited for.) */
static void flow_socket_watch(struct flow *flow, struct watch *watch, uint64_t deadline_ns)
{
    struct flow_socket *socket = socket_of(flow);
    bool has_something = socket->maybe_readable || socket->ended || socket->failed ||
                         socket->buffer.length_bytes > 0;
    watch_arm(flow, watch, deadline_ns);
    if (!has_something) flow_socket_acknowledge(socket);
    if (has_something || flow_socket_register(socket, false) != OK) flow_notify(flow, OK);
}

/* ---- the end ---- */

static void reset_at_close(const struct flow_socket *socket)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(socket->poll.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void end_flow(struct flow_socket *socket)
{
    assert(waiters_is_empty(&socket->reader) && waiters_is_empty(&socket->writer));
    struct loan *loan = socket->loan;
    poll_forget(&socket->poll);
    (void)close(socket->poll.descriptor);
    tcp_socket_give_buffer(socket->tcp, socket->buffer);
    tcp_socket_give_flow(socket->tcp, socket);
    if (loan != NULL) loan->done(loan);
}

/* A loan whose end the host does not take now would be cut off; a reset tells the peer so. */
static void flow_socket_close(struct flow *flow)
{
    struct flow_socket *socket = socket_of(flow);
    flow_socket_continue_loan(socket);
    if (socket->loan != NULL) reset_at_close(socket);
    end_flow(socket);
}

static void flow_socket_abort(struct flow *flow)
{
    struct flow_socket *socket = socket_of(flow);
    reset_at_close(socket);
    end_flow(socket);
}

static const struct flow_ops flow_socket_ops = FLOW_OPS(flow_socket);

void flow_socket_init(struct flow_socket *socket, struct tcp_socket *tcp, int descriptor)
{
    *socket = (struct flow_socket){
        .flow.ops = &flow_socket_ops,
        .poll = { .descriptor = descriptor, .ready = socket_ready },
        .tcp = tcp,
    };
    waiters_init(&socket->reader);
    waiters_init(&socket->writer);
}
