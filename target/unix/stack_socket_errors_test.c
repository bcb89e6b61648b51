/* stack_socket_errors_test.c - what sockets do when the host says no: the test stands between them
 * and the host, and lets the next calls fail.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/memory.h"
#include "target/unix/stack_socket.h"
#include "tcp/tcp_suite.h"

/* The error that a call of the host gives, `count` times. */
struct failure {
    int error;
    unsigned count;
};

static struct {
    struct failure accept, bind, listen, refusal, epoll, send_burst, ipv6, connect, shutdown;
} failing;

static bool fails(struct failure *failure)
{
    if (failure->count == 0) return false;
    failure->count--;
    errno = failure->error;
    return true;
}

/* They take the places of the host's calls when the program is linked. */
int failing_accept4(int descriptor, struct sockaddr *address, socklen_t *length,
                    int flags) __asm__("accept4");
int failing_bind(int descriptor, const struct sockaddr *address, socklen_t length) __asm__("bind");
int failing_listen(int descriptor, int backlog) __asm__("listen");
int failing_connect(int descriptor, const struct sockaddr *address,
                    socklen_t length) __asm__("connect");
int failing_shutdown(int descriptor, int how) __asm__("shutdown");
int failing_setsockopt(int descriptor, int level, int name, const void *value,
                       socklen_t length) __asm__("setsockopt");
int failing_socket(int family, int type, int protocol) __asm__("socket");
int failing_epoll_ctl(int poller, int operation, int descriptor,
                      struct epoll_event *event) __asm__("epoll_ctl");
int failing_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count,
                     int flags) __asm__("sendmmsg");

int failing_accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags)
{
    if (fails(&failing.accept)) return -1;
    return (int)syscall(SYS_accept4, descriptor, address, length, flags);
}

int failing_bind(int descriptor, const struct sockaddr *address, socklen_t length)
{
    if (fails(&failing.bind)) return -1;
    return (int)syscall(SYS_bind, descriptor, address, length);
}

int failing_listen(int descriptor, int backlog)
{
    if (fails(&failing.listen)) return -1;
    return (int)syscall(SYS_listen, descriptor, backlog);
}

int failing_connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
    if (fails(&failing.connect)) return -1;
    return (int)syscall(SYS_connect, descriptor, address, length);
}

int failing_shutdown(int descriptor, int how)
{
    if (fails(&failing.shutdown)) return -1;
    return (int)syscall(SYS_shutdown, descriptor, how);
}

int failing_setsockopt(int descriptor, int level, int name, const void *value, socklen_t length)
{
    if (level == SOL_SOCKET && name == SO_BINDTOIFINDEX && fails(&failing.refusal)) return -1;
    return (int)syscall(SYS_setsockopt, descriptor, level, name, value, length);
}

int failing_socket(int family, int type, int protocol)
{
    if (family == AF_INET6 && fails(&failing.ipv6)) return -1;
    return (int)syscall(SYS_socket, family, type, protocol);
}

int failing_epoll_ctl(int poller, int operation, int descriptor, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && fails(&failing.epoll)) return -1;
    return (int)syscall(SYS_epoll_ctl, poller, operation, descriptor, event);
}

int failing_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags)
{
    if (fails(&failing.send_burst)) return -1;
    return (int)syscall(SYS_sendmmsg, descriptor, messages, count, flags);
}

/* ---- tools ---- */

static const struct stack_socket_parameters parameters = {
    .tcp = { .connection_count = 8, .borrow_buffer_count = 1 }, .udp = { .port_count = 2 }
};
static const struct listen_options one = { .backlog = 1 };
static const struct endpoint any;
static struct stack_socket stack;
static struct flow *client, *server;

static struct listener *open_listening(void)
{
    expect_ok(stack_socket_open(&stack, &parameters));
    return tcp_suite_listen(stack.stack.tcp, ADDRESS_IPV4, 4);
}

static void open_connected(void)
{
    struct listener *listener = open_listening();
    client = tcp_suite_connect(stack.stack.tcp, listener);
    server = tcp_suite_accept(listener);
    listener_close(listener);
}

static void close_connected(void)
{
    flow_close(client);
    flow_close(server);
    stack_socket_close(&stack);
}

static enum result listen_on(const struct endpoint *local)
{
    struct listener *listener;
    enum result result = tcp_listen(stack.stack.tcp, local, &one, &listener);
    if (result == OK) listener_close(listener);
    return result;
}

/* ---- accepting and listening ---- */

/* accept(2), "Error handling": these are of a connection that is gone again, not of the listener.
 */
TEST(socket_accept_goes_on_after_a_broken_connection)
{
    static const int errors[] = { ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, EPERM, EINTR };
    struct listener *listener = open_listening();
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        client = tcp_suite_connect(stack.stack.tcp, listener);
        failing.accept = (struct failure){ errors[i], 2 };
        server = tcp_suite_accept(listener);
        expect_that(failing.accept.count, ==, 0);
        tcp_suite_expect_connected(client, server);
        flow_close(client);
        flow_close(server);
    }
    listener_close(listener);
    stack_socket_close(&stack);
}

TEST(socket_accept_is_full_where_the_host_is)
{
    static const int errors[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM };
    struct listener *listener = open_listening();
    client = tcp_suite_connect(stack.stack.tcp, listener);
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        failing.accept = (struct failure){ errors[i], 1 };
        expect_result(listener_accept(listener, &server, tcp_suite_soon()), FULL);
    }
    server = tcp_suite_accept(listener);
    listener_close(listener);
    tcp_suite_expect_connected(client, server);
    close_connected();
}

TEST(socket_listen_tells_why_not)
{
    static const struct {
        int error;
        enum result result;
    } errors[] = { { EACCES, DENIED },
                   { EADDRINUSE, EXISTS },
                   { EADDRNOTAVAIL, UNREACHABLE },
                   { ENOMEM, FULL },
                   { EIO, FAILED } };
    const struct endpoint local = { .address = address_loopback(ADDRESS_IPV4), .port = 80 };
    expect_ok(stack_socket_open(&stack, &parameters));
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        failing.bind = (struct failure){ errors[i].error, 1 };
        expect_result(listen_on(&local), errors[i].result);
    }
    failing.listen = (struct failure){ EADDRINUSE, 1 };
    expect_result(listen_on(&any), EXISTS);
    stack_socket_close(&stack);
}

TEST(socket_any_is_ipv4_where_ipv6_is_absent)
{
    const struct endpoint ipv6 = { .address = address_loopback(ADDRESS_IPV6) };
    struct udp_port *port;
    expect_ok(stack_socket_open(&stack, &parameters));
    failing.ipv6 = (struct failure){ EAFNOSUPPORT, 100 };
    struct listener *listener = tcp_suite_listen(stack.stack.tcp, ADDRESS_ANY, 4);
    client = tcp_suite_connect(stack.stack.tcp, listener);
    server = tcp_suite_accept(listener);
    tcp_suite_expect_connected(client, server);
    expect_result(listen_on(&ipv6), UNREACHABLE);
    expect_ok(udp_bind(stack.stack.udp, &any, &port));
    udp_port_close(port);
    expect_result(udp_bind(stack.stack.udp, &ipv6, &port), UNREACHABLE);
    failing.ipv6.count = 0;
    listener_close(listener);
    close_connected();
}

/* Where the host goes on letting connections in, a drain is only the end of accepting. */
TEST(socket_drain_ends_where_nobody_is_refused)
{
    struct listener *listener = open_listening();
    client = tcp_suite_connect(stack.stack.tcp, listener);
    failing.refusal = (struct failure){ EPERM, 1 };
    listener_drain(listener);
    server = tcp_suite_accept(listener);
    struct flow *none;
    expect_result(listener_accept(listener, &none, tcp_suite_soon()), CLOSED);
    listener_close(listener);
    tcp_suite_expect_connected(client, server);
    close_connected();
}

/* ---- connecting ---- */

TEST(socket_connect_tells_why_not)
{
    static const struct {
        int error;
        enum result result;
    } errors[] = { { ECONNREFUSED, REFUSED },     { ENETUNREACH, UNREACHABLE },
                   { EHOSTUNREACH, UNREACHABLE }, { EADDRNOTAVAIL, FULL },
                   { EADDRINUSE, EXISTS },        { EACCES, DENIED } };
    struct listener *listener = open_listening();
    struct endpoint peer = listener->local;
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        failing.connect = (struct failure){ errors[i].error, 1 };
        expect_result(tcp_connect(stack.stack.tcp, &peer, NULL, &client, tcp_suite_soon()),
                      errors[i].result);
    }
    expect_that(stack.tcp.connections_open, ==, 0);
    listener_close(listener);
    stack_socket_close(&stack);
}

/* ---- watching ---- */

TEST(socket_without_a_place_in_epoll)
{
    uint8_t byte;
    size_t length_bytes;
    struct udp_port *port;
    open_connected();
    failing.epoll = (struct failure){ ENOSPC, 3 };
    expect_result(listen_on(&any), FULL);
    expect_result(udp_bind(stack.stack.udp, &any, &port), FULL);
    expect_result(flow_read(server, SPAN_OF(byte), &length_bytes, tcp_suite_soon()), FAILED);
    expect_result(flow_write_view(server, VIEW("x"), tcp_suite_soon()), FAILED);
    expect_that(stack.udp.ports_open, ==, 0);
    close_connected();
}

static void done_once(struct loan *loan)
{
    loan->done = NULL;
}

/* A loan of which a part is gone and whose rest nobody will send is done, and the flow has failed.
 */
TEST(socket_loan_without_a_place_in_epoll)
{
    struct span memory;
    expect_ok(memory_take(64 * MIB, &memory));
    struct loan loan = { .bytes = span_view(memory), .done = done_once };
    open_connected();
    failing.epoll = (struct failure){ ENOSPC, 1 };
    expect_ok(flow_lend(server, &loan, tcp_suite_soon()));
    expect(loan.done == NULL);
    expect_result(flow_write_view(server, VIEW("x"), tcp_suite_soon()), FAILED);
    memory_give_back(memory);
    close_connected();
}

TEST(socket_shut_tells_that_it_failed)
{
    open_connected();
    failing.shutdown = (struct failure){ ENOTCONN, 1 };
    expect_result(flow_shut(server), FAILED);
    expect_result(flow_shut(server), FAILED);
    close_connected();
}

/* ---- datagrams ---- */

TEST(socket_send_waits_for_room)
{
    struct udp_port *port;
    size_t sent;
    expect_ok(stack_socket_open(&stack, &parameters));
    expect_ok(udp_bind(stack.stack.udp, &any, &port));
    const struct datagram_out datagram = {
        .peer = { .address = address_loopback(ADDRESS_IPV4), .port = port->local.port },
        .bytes = VIEW("x"),
    };
    failing.send_burst = (struct failure){ EAGAIN, 3 };
    expect_result(udp_send(port, &datagram, 1, &sent, tcp_suite_quiet()), TIMED_OUT);
    expect_that(failing.send_burst.count, <, 3);
    failing.send_burst = (struct failure){ EINTR, 3 };
    expect_ok(udp_send(port, &datagram, 1, &sent, NO_WAIT));
    failing.send_burst = (struct failure){ EACCES, 1 };
    expect_result(udp_send(port, &datagram, 1, &sent, NO_WAIT), DENIED);
    udp_port_close(port);
    stack_socket_close(&stack);
}

/* netdevice queues of the host that overflow lose datagrams, as networks do. */
TEST(socket_send_may_lose)
{
    struct udp_port *port;
    size_t sent;
    expect_ok(stack_socket_open(&stack, &parameters));
    expect_ok(udp_bind(stack.stack.udp, &any, &port));
    const struct datagram_out datagram = {
        .peer = { .address = address_loopback(ADDRESS_IPV4), .port = port->local.port },
        .bytes = VIEW("x"),
    };
    failing.send_burst = (struct failure){ ENOBUFS, 1 };
    expect_ok(udp_send(port, &datagram, 1, &sent, NO_WAIT));
    expect_that(sent, ==, 1);
    udp_port_close(port);
    stack_socket_close(&stack);
}
