/* tcp_socket_connect.c - connections to others.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "target/unix/stack_socket_address.h"
#include "target/unix/tcp_socket.h"

/* Of an address without a port: the host then chooses the port when it knows the peer, so that one
 * port can serve for many peers (ip(7)). */
static bool bind_local(int descriptor, int family, const struct endpoint *local)
{
    const int late = local->port == 0;
    union socket_address address;
    if (local->address.family == ADDRESS_ANY && local->port == 0) return true;
    socklen_t length = socket_address_set(&address, local, family);
    (void)setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    return bind(descriptor, &address.any, length) == 0;
}

/* A socket on its way to the peer, or below 0 with errno. */
static int start_connect(const struct endpoint *peer, const struct connect_options *options)
{
    const int on = 1;
    int family = socket_family(&peer->address);
    int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    union socket_address address;
    socklen_t length = socket_address_set(&address, peer, family);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    tcp_socket_set_traffic_class(descriptor, options->traffic_class);
    if (options->keepalive) (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    errno = 0;
    if (bind_local(descriptor, family, &options->local) &&
        (connect(descriptor, &address.any, length) == 0 || errno == EINPROGRESS))
        return descriptor;
    int error = errno;
    (void)close(descriptor);
    errno = error;
    return -1;
}

static enum result wait_connected(struct flow_socket *socket, uint64_t deadline_ns)
{
    enum result result = flow_socket_wait(socket, &socket->writer, "tcp_connect", deadline_ns);
    int error = 0;
    socklen_t length = sizeof error;
    if (result != OK) return result;
    if (getsockopt(socket->poll.descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    return error == 0 ? OK : socket_result(error);
}

/* EADDRNOTAVAIL of connect, where no address was asked for, means that the ephemeral ports are
 * used up. */
static enum result connect_result(int error, const struct endpoint *local)
{
    bool wanted = local->address.family != ADDRESS_ANY;
    return error == EADDRNOTAVAIL && !wanted ? FULL : socket_result(error);
}

enum result tcp_socket_connect(struct tcp *base, const struct endpoint *peer,
                               const struct connect_options *options, struct flow **flow,
                               uint64_t deadline_ns)
{
    static const struct connect_options none;
    struct tcp_socket *tcp = CONTAINER_OF(base, struct tcp_socket, tcp);
    if (options == NULL) options = &none;
    uint8_t family = options->local.address.family;
    if (family != ADDRESS_ANY && family != peer->address.family) return UNREACHABLE;
    struct flow_socket *socket = tcp_socket_take_flow(tcp);
    if (socket == NULL) return FULL;
    int descriptor = start_connect(peer, options);
    if (descriptor < 0) {
        tcp_socket_give_flow(tcp, socket);
        return connect_result(errno, &options->local);
    }
    flow_socket_init(socket, tcp, descriptor);
    enum result result = wait_connected(socket, deadline_ns);
    if (result != OK) {
        flow_abort(&socket->flow);
        return result;
    }
    socket->flow.local = socket_local(descriptor);
    socket->flow.peer = *peer;
    tcp->connected_count++;
    *flow = &socket->flow;
    return OK;
}
