/* udp_faulty.h - a UDP that loses, doubles, reorders and delays what another one would carry, under
 * a seed.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_FAULTY_H
#define LOOM_UDP_FAULTY_H

#include "base/list.h"
#include "udp/udp.h"

struct udp_faulty_plan {
    uint64_t seed;
    uint32_t lose_per_million;
    uint32_t double_per_million;
    uint32_t swap_per_million; /* goes out behind the next one of its burst */
    uint64_t delay_ns_max;     /* each send and receive is up to so late */
};

struct udp_faulty_port {
    struct udp_port port;
    struct udp_port *below;
    struct udp_faulty *udp;
    struct list_node node; /* among the free */
};

struct udp_faulty {
    struct udp udp;
    struct udp *below;
    struct udp_faulty_plan plan; /* may be changed at any time */
    uint64_t random;
    struct span memory;
    struct list free;
    size_t open_count; /* ports */
    uint64_t lost_count, doubled_count, swapped_count;
};

/* Room for `port_count` ports. `below` must outlive it. FULL: no memory. */
enum result udp_faulty_open(struct udp_faulty *faulty, struct udp *below, size_t port_count,
                            const struct udp_faulty_plan *plan) CHECKED;

/* Every port of it is closed. */
void udp_faulty_close(struct udp_faulty *faulty);

#endif
