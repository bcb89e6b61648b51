/* echo_udp.h - echo over UDP: a burst comes in, the same burst goes out.
 *
 * SPDX-License-Identifier: ISC */
#ifndef ECHO_UDP_H
#define ECHO_UDP_H

#include "echo.h"
#include "fiber/fiber.h"
#include "metrics/metrics.h"
#include "parameter/parameter.h"
#include "udp/udp.h"

#define ECHO_BURST 8

struct echo_udp_parameters {
    uint64_t port;
};
extern const struct parameter echo_udp_parameters[];

/* The table with a default port, for an application that has more than one of these. */
#define ECHO_UDP_PARAMETERS(port_text) \
    PARAMETER_NUMBER(struct echo_udp_parameters, port, "port", port_text, 0, 65535, \
                     "UDP port to listen on; 0 takes a free one")

struct echo_udp {
    struct echo echo;
    struct udp *udp;
    struct echo_udp_parameters parameters;
    struct udp_port *port;
    struct task receiver;
    struct span memory; /* a room for the largest datagram, ECHO_BURST times */
    struct datagram_in in[ECHO_BURST];
    struct datagram_out out[ECHO_BURST];

    char instance[24];
    struct metrics metrics;
    uint64_t datagrams_count, bytes_count, dropped_count;
};

/* FULL: no memory. */
enum result echo_udp_open(struct echo_udp *udp_echo, struct udp *udp,
                          const struct echo_udp_parameters *parameters) CHECKED;
void echo_udp_close(struct echo_udp *udp_echo);

#endif
