/* flooder.h - a hostile host of a world: it sends raw segments as fast as it is told to, from
 * whatever addresses it likes, and keeps no state for any of them.
 *
 * It stands on a wire of its own and claims to be the router, so what is sent to its spoofed
 * addresses comes to it. Everything it does comes from the world's seed.
 *
 *     a spoofed SYN        -> the SYN-ACK goes nowhere, or is answered with a reset
 *     an attacker's SYN    -> the handshake is completed, and then, by the attacker's port:
 *         silent           nothing more ever
 *         slow reader      asks, and never takes anything: its window is 0
 *         dribbler         asks a byte at a time, each when the last was acknowledged
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_FLOODER_H
#define LOOM_SIM_FLOODER_H

#include "ip/address.h"
#include "target/sim/world.h"

struct flooder_parameters {
    struct address router; /* which it claims to be */
    struct endpoint victim;
    uint64_t syns_per_second, attackers_per_second;
    uint64_t burst;             /* so many spoofed SYNs at a time */
    uint32_t neighbour_percent; /* of spoofed SYNs, that claim to come from the victim's own /16 */
    struct address framed;      /* an honest host, which some claim to come from */
    uint32_t framed_percent;
    uint32_t reset_percent; /* of SYN-ACKs to spoofed addresses, that are answered */
};

struct flooder {
    struct world *world;
    struct flooder_parameters parameters;
    struct wire *wire;
    struct net_user user;
    struct packet_pool pool;
    struct alarm syn_alarm, attacker_alarm;
    struct mac victim; /* zero until it has told */

    uint64_t syns, attackers;    /* sent */
    uint64_t completed, answers; /* handshakes, and SYN-ACKs to spoofed addresses */
    uint64_t no_packet, no_room; /* not sent */
};

/* Asks for the victim's station. Panics where the host gives no memory. */
void flooder_open(struct flooder *flooder, struct world *world,
                  const struct flooder_parameters *parameters);

/* From now on, until flooder_stop. */
void flooder_start(struct flooder *flooder);
void flooder_stop(struct flooder *flooder);

/* Before the world is closed. */
void flooder_close(struct flooder *flooder);

#endif
