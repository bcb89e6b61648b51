/* udp_socket.c - UDP over the sockets of the host: ports, parameters and figures.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/udp_socket.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "target/memory.h"

#define LOG_MODULE "udp"
#include "log/log.h"

const struct parameter udp_socket_parameters[] = {
    PARAMETER_NUMBER(struct udp_socket_parameters, port_count, "udp-ports", "64", 1, 65535,
                     "UDP ports bound at once"),
    PARAMETER_END,
};

static const struct metric udp_socket_metrics[] = {
    METRIC_GAUGE(struct udp_socket, ports_open, "udp_ports", "UDP ports bound now."),
    METRIC_COUNTER(struct udp_socket, received_count, "udp_received_total",
                   "UDP datagrams received."),
    METRIC_COUNTER(struct udp_socket, sent_count, "udp_sent_total", "UDP datagrams sent."),
    METRIC_COUNTER(struct udp_socket, truncated_count, "udp_truncated_total",
                   "UDP datagrams longer than the room they were received into."),
    METRIC_COUNTER(struct udp_socket, refused_count, "udp_refused_total",
                   "Times that a UDP datagram met a closed port."),
    METRIC_END,
};

static void port_ready(struct poll *poll, uint32_t events)
{
    struct udp_socket_port *port = CONTAINER_OF(poll, struct udp_socket_port, poll);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        port->maybe_readable = true;
        waiters_wake_all(&port->receivers);
    }
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) waiters_wake_all(&port->senders);
}

/* ---- the pool ---- */

static bool has_room(const struct udp_socket *udp)
{
    return !list_is_empty(&udp->free_ports) || udp->ports_touched_count < udp->port_count;
}

/* There is room. */
static struct udp_socket_port *take_port(struct udp_socket *udp)
{
    struct list_node *node = list_take(&udp->free_ports);
    udp->ports_open++;
    if (node != NULL) return CONTAINER_OF(node, struct udp_socket_port, node);
    assert_that(udp->ports_touched_count, <, udp->port_count);
    return &udp->ports[udp->ports_touched_count++];
}

static void give_port(struct udp_socket_port *port)
{
    struct udp_socket *udp = port->udp;
    list_prepend(&udp->free_ports, &port->node);
    udp->ports_open--;
}

/* ---- binding ---- */

static bool set_on(int descriptor, int level, int name)
{
    const int on = 1;
    return setsockopt(descriptor, level, name, &on, sizeof on) == 0;
}

/* The destination of each datagram, and the errors of ICMP (ip(7), ipv6(7)). An IPv6 socket of both
 * families needs IPv4's option for IPv4's errors. */
static bool ask_for_more(int descriptor, int family)
{
    if (family == AF_INET)
        return set_on(descriptor, IPPROTO_IP, IP_PKTINFO) &&
               set_on(descriptor, IPPROTO_IP, IP_RECVERR);
    return set_on(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO) &&
           set_on(descriptor, IPPROTO_IPV6, IPV6_RECVERR) &&
           set_on(descriptor, IPPROTO_IP, IP_RECVERR);
}

static void udp_socket_port_close(struct udp_port *base)
{
    struct udp_socket_port *port = CONTAINER_OF(base, struct udp_socket_port, port);
    assert(waiters_is_empty(&port->receivers) && waiters_is_empty(&port->senders));
    poll_forget(&port->poll);
    (void)close(port->poll.descriptor);
    give_port(port);
}

static const struct udp_port_ops udp_socket_port_ops = UDP_PORT_OPS(udp_socket_port);

static void fill_port(struct udp_socket_port *port, struct udp_socket *udp, int descriptor,
                      int family, const struct endpoint *local)
{
    *port = (struct udp_socket_port){
        .port = { .ops = &udp_socket_port_ops, .local = *local },
        .poll = { .descriptor = descriptor, .ready = port_ready },
        .udp = udp,
        .family = family,
        .maybe_readable = true,
    };
    port->port.local.port = socket_local(descriptor).port;
    waiters_init(&port->receivers);
    waiters_init(&port->senders);
}

static enum result udp_socket_bind(struct udp *base, const struct endpoint *local,
                                   struct udp_port **made)
{
    struct udp_socket *udp = CONTAINER_OF(base, struct udp_socket, udp);
    int family;
    if (!has_room(udp)) {
        log_error("cannot bind another UDP port: all %zu are in use (give more --udp-ports)",
                  udp->port_count);
        return FULL;
    }
    int descriptor = socket_bind(local, SOCK_DGRAM, &family);
    if (descriptor < 0) {
        int error = errno;
        socket_complain("bind UDP", local, error);
        return socket_result(error);
    }
    struct udp_socket_port *port = take_port(udp);
    fill_port(port, udp, descriptor, family, local);
    if (!ask_for_more(descriptor, family))
        log_warning("the host tells no destination or errors of UDP datagrams");
    enum result result = poll_add(&port->poll);
    if (result != OK) {
        udp_socket_port_close(&port->port);
        return result;
    }
    *made = &port->port;
    return OK;
}

static const struct udp_ops udp_socket_ops = UDP_OPS(udp_socket);

enum result udp_socket_open(struct udp_socket *udp, const struct udp_socket_parameters *parameters)
{
    *udp = (struct udp_socket){ .udp.ops = &udp_socket_ops, .port_count = parameters->port_count };
    list_init(&udp->free_ports);
    enum result result = memory_take(udp->port_count * sizeof(struct udp_socket_port),
                                     &udp->port_memory);
    if (result != OK) return result;
    udp->ports = (void *)udp->port_memory.bytes;
    metrics_register(&udp->metrics, "udp", udp_socket_metrics, SPAN_OF(*udp));
    return OK;
}

void udp_socket_close(struct udp_socket *udp)
{
    assert_that(udp->ports_open, ==, 0);
    metrics_withdraw(&udp->metrics);
    memory_give_back(udp->port_memory);
}
