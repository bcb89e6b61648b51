/* tcp_cookie.h - SYN cookies: what a half-open connection is, kept by the peer instead of us (RFC
 * 4987 3.6, appendix A).
 *
 * The sequence number of the SYN-ACK is
 *
 *     31                              8 7     5 4       1   0
 *     +--------------------------------+-------+---------+------+
 *     | 24 bits of F                   | MSS   | scale   | SACK |   the low eight masked by F too
 *     +--------------------------------+-------+---------+------+
 *
 * with F = siphash(secret, pair, the peer's sequence number, minute). MSS is an index into a table
 * of eight, scale 15 where the peer does not scale. Where the peer sends timestamps, our TSval
 * starts at another 32 bits of F, with the top bit turned over where ECN is agreed on: the echo
 * then has to be right too, and tells the cookie's age to the millisecond. Without timestamps ECN
 * is given up.
 *
 * The minute in F is as good as a new key each minute. A cookie is good for the minute in which it
 * was sent and the next, and only while its acceptor has sent any of late: a stranger who sees none
 * has to guess 24 bits, anew for each pair and minute, and what he once saw is worth nothing soon.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_COOKIE_H
#define LOOM_TCP_COOKIE_H

#include "tcp_core/tcp_syn_cache.h"

#define TCP_COOKIE_PERIOD_NS (60 * S_NS)
#define TCP_COOKIE_VALID_NS  (2 * TCP_COOKIE_PERIOD_NS)

/* Sets iss, ts_offset and peer_mss (rounded down to one of the table) of terms whose other members
 * are set, and gives ecn up where it cannot be kept. */
void tcp_cookie_make(struct siphash_key key, const struct tcp_pair *pair, uint64_t now_ns,
                     struct tcp_syn_terms *terms);

/* Whether the ACK answers a cookie of ours that is still good: then all of the terms but rcv_wnd
 * are set. */
bool tcp_cookie_check(struct siphash_key key, const struct tcp_pair *pair, uint64_t now_ns,
                      const struct tcp_segment *ack, struct tcp_syn_terms *terms);

#endif
