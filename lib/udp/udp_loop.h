/* udp_loop.h - a UDP inside the process: datagrams between ports, in bounded queues.
 *
 * A double for tests of servers and clients, in real and in virtual time. Its addresses are the
 * loopback addresses of both families; free ports are given out in order, so that a test takes the
 * same course each time. A datagram that finds a full queue is dropped, and one that finds nobody
 * makes the sender's next receive REFUSED, as on a network with ICMP.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_LOOP_H
#define LOOM_UDP_LOOP_H

#include "base/ring.h"
#include "fiber/fiber.h"
#include "udp/udp.h"

struct udp_loop_options {
    size_t port_count;
    size_t queue_count; /* datagrams that wait at a port; a power of two */
    size_t datagram_bytes_max;
};

/* A datagram that waits; its bytes lie at the same index of the port's room. */
struct udp_loop_datagram {
    struct endpoint peer;
    struct address destination;
    size_t length_bytes;
};

struct udp_loop_port {
    struct udp_port port;
    struct udp_loop *loop;
    struct ring queue;
    struct udp_loop_datagram *datagrams;
    struct span room;
    struct waiters receivers;
    bool used, refused;
};

struct udp_loop {
    struct udp udp;
    struct udp_loop_options options;
    struct span port_memory, datagram_memory, room_memory;
    struct udp_loop_port *ports;
    uint64_t dropped_count;
    uint16_t next_port;
};

/* FULL: no memory. */
enum result udp_loop_open(struct udp_loop *loop, const struct udp_loop_options *options) CHECKED;

/* Every port of it is closed. */
void udp_loop_close(struct udp_loop *loop);

#endif
