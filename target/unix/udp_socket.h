/* udp_socket.h - UDP over the sockets of the host, in bursts: one recvmmsg or sendmmsg each.
 *
 * A port on any address takes both families where the host has both. Every datagram tells the local
 * address it came to, and an answer can be sent from that one. ICMP errors are asked of the host,
 * so that a closed port at the other side is told once.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_SOCKET_H
#define LOOM_UDP_SOCKET_H

#include <sys/socket.h>

#include "fiber/fiber.h"
#include "metrics/metrics.h"
#include "parameter/parameter.h"
#include "target/unix/poll.h"
#include "target/unix/stack_socket_address.h"
#include "udp/udp.h"

struct udp_socket_parameters {
    uint64_t port_count;
};
extern const struct parameter udp_socket_parameters[];

struct udp_socket_port {
    struct udp_port port;
    struct poll poll;
    struct udp_socket *udp;
    struct list_node node; /* among the free */
    struct waiters receivers, senders;
    int family;
    bool maybe_readable; /* a recvmmsg may find something */
    bool refused;        /* to be told to the next who receives */
};

/* Room for the address that a datagram came to or leaves from, as ip(7) and ipv6(7) lay it out. */
struct udp_socket_control {
    _Alignas(size_t) uint8_t
        bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* What one call needs; there is one for all ports, as no call waits while it is filled. */
struct udp_socket_burst {
    struct mmsghdr messages[UDP_BURST_MAX];
    struct iovec vectors[UDP_BURST_MAX];
    union socket_address addresses[UDP_BURST_MAX];
    struct udp_socket_control controls[UDP_BURST_MAX];
};

struct udp_socket {
    struct udp udp;
    struct span port_memory;
    struct udp_socket_port *ports;
    size_t port_count, ports_touched_count;
    struct list free_ports;
    struct udp_socket_burst burst;
    struct metrics metrics;
    uint64_t ports_open, received_count, sent_count, truncated_count, refused_count;
};

/* FULL: no memory. */
enum result udp_socket_open(struct udp_socket *udp,
                            const struct udp_socket_parameters *parameters) CHECKED;

/* Every port of it is closed. */
void udp_socket_close(struct udp_socket *udp);

/* ---- for the files of udp_socket ---- */

enum result udp_socket_port_send(struct udp_port *base, const struct datagram_out datagrams[],
                                 size_t count, size_t *sent, uint64_t deadline_ns) CHECKED;
enum result udp_socket_port_receive(struct udp_port *base, struct datagram_in datagrams[],
                                    size_t count, size_t *received, uint64_t deadline_ns) CHECKED;

/* Takes what ICMP said of earlier datagrams out of the host's queue; true when there was any. */
bool udp_socket_take_errors(struct udp_socket_port *port);

#endif
