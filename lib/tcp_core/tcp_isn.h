/* tcp_isn.h - where sequence numbers and timestamps start, so that nobody can guess (RFC 6528, RFC
 * 7323 5.4).
 *
 * ISN = M + F(pair, secret), M a clock of 4 us: one pair's numbers go up from connection to
 * connection (RFC 9293 3.4.1), and tell nothing of another pair's. The other half of the same hash
 * is added to the millisecond clock that TSval shows: a pair's timestamps go up too, and uptime
 * stays our own.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_ISN_H
#define LOOM_TCP_ISN_H

#include "base/units.h"
#include "tcp_core/tcp_demux.h"

struct tcp_initial {
    uint32_t isn;
    uint32_t ts_offset;
};

struct tcp_initial tcp_initial_of(struct siphash_key key, const struct tcp_pair *pair,
                                  uint64_t now_ns);

/* The clock of timestamps, in ms (RFC 7323 4.1: 1 ms to 1 s), before the pair's offset is added. */
static inline uint32_t tcp_timestamp_clock(uint64_t now_ns)
{
    return (uint32_t)(now_ns / MS_NS);
}

/* What siphash_derive makes a key of its own for. */
enum tcp_key_purpose {
    TCP_KEY_DEMUX = 1,
    TCP_KEY_INITIAL,
    TCP_KEY_PORT,
    TCP_KEY_COOKIE,
};

#endif
