/* tcp_time_wait.h - connections in TIME-WAIT, as small records (RFC 9293 3.10.7.4).
 *
 * What is left of a connection that closed first: it acknowledges a FIN that comes again, and keeps
 * old segments out of the pair's next connection for 2 MSL. Records lie in one line in the order in
 * which they end, so that one timer serves all. When there are more than `time_wait_count`, the
 * oldest gives way: its pair can then be used again early, which timestamps and fresh initial
 * sequence numbers make harmless.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_TIME_WAIT_H
#define LOOM_TCP_TIME_WAIT_H

#include "base/agenda.h"
#include "tcp_core/tcp_demux.h"
#include "tcp_core/tcp_limit.h"
#include "tcp_core/tcp_segment.h"

struct tcp_core;

/* What one record answers at most, at once and on the long run (RFC 5961 7). */
#define TCP_TIME_WAIT_BURST       4
#define TCP_TIME_WAIT_INTERVAL_NS (250 * MS_NS)

/* What a connection leaves behind. */
struct tcp_farewell {
    const struct tcp_pair *pair;
    uint32_t snd_nxt, rcv_nxt;
    uint16_t window; /* as its last segment had it, scaled down */
    bool timestamps;
    uint8_t traffic_class;
    uint32_t ts_recent, ts_offset;
};

struct tcp_time_wait {
    struct tcp_pair pair;
    uint32_t hash;
    uint32_t next, prev; /* index + 1; 0: none */
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent, ts_offset;
    uint16_t window;
    bool timestamps;
    uint8_t traffic_class;
    uint64_t entered_ns;
    struct tcp_limit answers;
};
static_assert(sizeof(struct tcp_time_wait) <= 96, "small, both families' addresses included");

struct tcp_time_waits {
    struct span memory;
    struct tcp_time_wait *records;
    uint32_t count, touched_count;
    uint32_t free, oldest, newest; /* index + 1 */
    struct agenda_entry end;
};

enum result tcp_time_waits_open(struct tcp_core *core) CHECKED;
void tcp_time_waits_close(struct tcp_core *core);

/* The pair is not in the demultiplexer (any more), and a TIME-WAIT record of it is afterwards. */
void tcp_time_wait_enter(struct tcp_core *core, const struct tcp_farewell *farewell);

/* Whether a connection that we open may have the pair (RFC 6191 2, from the other side): its
 * segments carry timestamps, later ones by now. */
bool tcp_time_wait_may_reuse(const struct tcp_core *core, uint32_t index);

void tcp_time_wait_drop(struct tcp_core *core, uint32_t index);

/* What a segment for a pair in TIME-WAIT leads to. */
enum tcp_time_wait_verdict {
    TCP_TIME_WAIT_HANDLED, /* answered or ignored, within limits */
    TCP_TIME_WAIT_REUSE,   /* a SYN that may begin anew: the record is gone, and the initial
                              sequence number must be past *least_iss */
};
/* `listening`: there is somebody for whom a SYN may begin anew; otherwise the record stays. */
enum tcp_time_wait_verdict tcp_time_wait_input(struct tcp_core *core, uint32_t index,
                                               const struct tcp_segment *segment, bool listening,
                                               uint32_t *least_iss);

#endif
