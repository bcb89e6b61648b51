/* tcp_port.h - local ports that nobody can predict, for connections that we open (RFC 6056).
 *
 * Algorithm 4, double hash: a keyed hash of the destination gives where its sequence of ports
 * starts, another one chooses which of many counters goes on along it, and the counter goes up by
 * small random steps. So ports toward one server are not used again soon, and tell nothing about
 * those toward another.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_PORT_H
#define LOOM_TCP_PORT_H

#include "tcp_core/tcp_demux.h"

struct tcp_core;

#define TCP_PORT_FIRST    32768
#define TCP_PORT_COUNT    32768 /* up to 65535 */
#define TCP_PORT_COUNTERS 1024

struct tcp_ports {
    struct siphash_key key;
    uint16_t counters[TCP_PORT_COUNTERS];
    uint64_t drawn; /* random numbers so far */
};

void tcp_ports_init(struct tcp_ports *ports, struct siphash_key key);

/* Sets pair->local.port to one with which the pair has no record and where nobody listens. The rest
 * of the pair is set. A TIME-WAIT record that may be reused gives way, if nothing else is left
 * (RFC 6191). FULL: none is free. */
enum result tcp_port_choose(struct tcp_core *core, struct tcp_pair *pair) CHECKED;

/* For a port that the caller chose: whether the pair is free, or becomes so because its TIME-WAIT
 * record may be reused. */
bool tcp_port_claim(struct tcp_core *core, const struct tcp_pair *pair);

/* A port on which nobody listens. FULL: there is none. */
enum result tcp_port_for_acceptor(struct tcp_core *core, uint16_t *port) CHECKED;

#endif
