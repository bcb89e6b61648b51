/* tcp_syn_cache.h - connections half open: a small record for each SYN that was answered (RFC 4987
 * 3.6), and nothing else until its sender proves to be where it says.
 *
 * A record lives until its ACK comes, or until its SYN-ACK was sent so often in vain. Records that
 * were sent equally often lie in one line, in the order of their deadlines:
 *
 *     sent once      [x][x][x][x]     due 1 s after they were put there
 *     sent twice     [x]              2 s
 *     ...                             doubling, TCP_SYN_SENDS_MAX times at most
 *
 * When more than half of the records are in use, they are sent twice at most, so that what nobody
 * will ever complete goes soon. When all are in use, new SYNs are answered with cookies, which take
 * no memory (tcp_cookie.h): nobody is shut out, and a record in use is never taken from its owner.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_SYN_CACHE_H
#define LOOM_TCP_SYN_CACHE_H

#include "base/agenda.h"
#include "tcp_core/tcp_acceptor.h"
#include "tcp_core/tcp_demux.h"
#include "tcp_core/tcp_limit.h"
#include "tcp_core/tcp_segment.h"

#define TCP_SYN_SENDS_MAX      6 /* at 0, 1, 3, 7, 15 and 31 s; given up after 63 s */
#define TCP_SYN_SENDS_CROWDED  2
#define TCP_SYN_FIRST_DELAY_NS S_NS /* RFC 6298 2.1 */

/* What one record answers at most, to segments that do not complete it (RFC 5961 7). */
#define TCP_SYN_ANSWER_BURST       4
#define TCP_SYN_ANSWER_INTERVAL_NS (250 * MS_NS)

struct tcp_handshake;

/* What a SYN asked for and got: what a connection needs of it later. */
struct tcp_syn_terms {
    uint32_t iss, irs;
    uint32_t ts_offset, ts_recent;
    uint16_t peer_mss;
    uint16_t rcv_wnd;           /* as our SYN-ACK tells it: never scaled (RFC 7323 2.2) */
    uint16_t peer_user_timeout; /* 0: not said, or ignored */
    uint8_t snd_wind_shift;     /* the peer's */
    bool window_scale, sack_permitted, timestamps, ecn;
};

struct tcp_syn {
    struct tcp_pair pair;
    uint32_t hash;
    uint32_t next, prev; /* index + 1; 0: none */
    struct tcp_syn_terms terms;
    uint16_t acceptor; /* its index */
    uint8_t sends;     /* by the timer, the first one included */
    bool sent_again;   /* because the SYN came again: its ACK tells no RTT */
    uint64_t sent_ns;  /* first */
    uint64_t due_ns;
    struct tcp_limit answers;
};
static_assert(sizeof(struct tcp_syn) <= 112, "small, both families' addresses included");

/* Those that were sent equally often, the first to be due in front. */
struct tcp_syn_line {
    uint32_t oldest, newest; /* index + 1 */
};

struct tcp_syn_cache {
    struct span memory;
    struct tcp_syn *records;
    uint32_t count, touched_count, used_count;
    uint32_t free; /* index + 1 */
    struct tcp_syn_line lines[TCP_SYN_SENDS_MAX];
    struct agenda_entry timer;
};

enum result tcp_syn_cache_open(struct tcp_core *core) CHECKED;
void tcp_syn_cache_close(struct tcp_core *core);

/* A SYN for `acceptor`, of a pair without a record: answers it and keeps a record, or a cookie goes
 * out and nothing is kept. Not answered, and counted: while the acceptor drains, or while its queue
 * of complete connections is full. `least_iss`: where a TIME-WAIT record gave way, what the initial
 * sequence number must not be before; NULL otherwise. */
void tcp_syn_arrive(struct tcp_core *core, struct tcp_acceptor *acceptor,
                    const struct tcp_pair *pair, const struct tcp_segment *syn,
                    const uint32_t *least_iss);

/* Any segment for a pair that has a SYN record (RFC 9293 3.10.7.4, SYN-RECEIVED of a passive open;
 * RFC 5961). The connection that it completes, queued at its acceptor, to which the segment is now
 * to be handed as ordinary input; NULL: none. */
struct tcp_connection *tcp_syn_input(struct tcp_core *core, uint32_t index,
                                     const struct tcp_segment *segment);

/* The same for an ACK of a pair without a record: perhaps it answers a cookie. NULL with *answered:
 * it does, but there is no room for the connection, and the ACK will come again. */
struct tcp_connection *tcp_syn_cookie_input(struct tcp_core *core, struct tcp_acceptor *acceptor,
                                            const struct tcp_pair *pair,
                                            const struct tcp_segment *ack, bool *answered);

/* The acceptor ends: its half-open connections too. */
void tcp_syn_forget_acceptor(struct tcp_core *core, const struct tcp_acceptor *acceptor);

#endif
