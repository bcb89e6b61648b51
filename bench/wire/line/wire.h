/* wire.h - a bad wire between two nets, the same for whoever is measured on it: in real time, under
 * a seed.
 *
 *     left net -- net_faulty -- right net
 *
 * Both ways have the same rate, queue, loss and reordering, each from a sequence of its own, and
 * half of the delay. The nets are to carry frames of the MTU: taps without headers, or sockets.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BENCH_WIRE_H
#define LOOM_BENCH_WIRE_H

#include "net/net_faulty.h"
#include "parameter/parameter.h"

/* What has happened on it. */
struct wire {
    const struct net_faulty_statistics *to_left, *to_right;
};

struct wire_faulty_parameters {
    uint64_t seed;
    uint64_t loss_per_million, reorder_per_million;
    uint64_t round_trip_ns, reorder_ns;
    uint64_t rate_bits, queue_bytes;
};
extern const struct parameter wire_faulty_parameters[];

struct wire_faulty {
    struct wire wire;
    struct net_faulty faulty; /* round the left net */
    struct net *right;
    struct net_user left_user, right_user;
    struct packet_pool pool;
    uint64_t dropped_frames; /* that a net had no room for, or that are longer than it takes */
};

/* FULL: no memory for what is under way. */
enum result wire_faulty_open(struct wire_faulty *wire, struct net *left, struct net *right,
                             const struct wire_faulty_parameters *parameters) CHECKED;
void wire_faulty_close(struct wire_faulty *wire);

#endif
