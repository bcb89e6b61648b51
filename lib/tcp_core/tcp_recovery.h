/* tcp_recovery.h - what was sent, when, what of it is lost, and how much may go now.
 *
 * All that a connection's sender knows about the path hangs here: a record for each transmission
 * between snd_una and snd_nxt, the RTT, the congestion window, pacing. The engine tells it what it
 * has sent and what was acknowledged, and asks what may be sent next:
 *
 *     tcp_recovery_sent          a segment (or a burst of them in one datagram) has left
 *     tcp_recovery_acknowledged  an acceptable ACK has come
 *     tcp_recovery_due           recovery->deadline_ns has passed
 *
 *     tcp_recovery_allowance     how many bytes may go now
 *     tcp_recovery_next_lost     which must go again first; else new ones follow
 *
 * Losses are found by time, RACK-TLP (RFC 8985), where the peer sends SACK, whose scoreboard is
 * RFC 6675's; and by duplicate ACKs, NewReno (RFC 6582), where it does not. Reductions are
 * proportional (RFC 6937); false alarms are seen by F-RTO (RFC 5682), timestamps (RFC 3522) and
 * DSACK (RFC 3708), and taken back. A SYN and a FIN count as one byte, as in sequence numbers.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RECOVERY_H
#define LOOM_TCP_RECOVERY_H

#include "base/result.h"
#include "base/view.h"
#include "tcp_core/tcp_congestion.h"
#include "tcp_core/tcp_pacing.h"
#include "tcp_core/tcp_rtt.h"
#include "tcp_core/tcp_sequence.h"

/* ---- the pool of records, one a stack ----
 *
 * A few records are there for each connection in any case; further ones are shared, and a
 * connection finds one as long as more are free than it has. When it finds none, a new transmission
 * joins the record before it (it is then taken to have been sent as late), and a SACK that would
 * split a record is not counted: both may delay a retransmission and lose no byte. */

struct tcp_sent;

struct tcp_recovery_pool {
    struct span memory;
    struct tcp_sent *records;
    uint32_t free;                 /* first of those given back */
    uint32_t count, touched_count; /* those behind the first `touched_count` were never taken */
    uint32_t used_count;
    uint32_t extra_count, extra_used_count; /* of what is shared */
};

/* Takes memory for the records of each connection and `extra_count` more to share. FULL: there is
 * not so much. */
enum result tcp_recovery_pool_open(struct tcp_recovery_pool *pool, size_t connection_count,
                                   size_t extra_count) CHECKED;
void tcp_recovery_pool_close(struct tcp_recovery_pool *pool);

/* ---- one connection's ---- */

enum tcp_recovery_state {
    TCP_OPEN,      /* nothing is known to be missing; duplicate ACKs may have come */
    TCP_REDUCTION, /* the path has marked: the window goes down, nothing is missing (RFC 3168) */
    TCP_RECOVERY,  /* fast recovery */
    TCP_LOSS,      /* after a retransmission timeout */
};

/* What deadline_ns is for. */
enum tcp_recovery_timer {
    TCP_TIMER_NONE,
    TCP_TIMER_REORDER, /* RFC 8985 6.2 step 5 */
    TCP_TIMER_PROBE,   /* RFC 8985 7.2 */
    TCP_TIMER_TIMEOUT, /* RFC 6298 5 */
};

#define TCP_SACK_MAX 4

struct tcp_recovery {
    struct tcp_recovery_pool *pool;

    /* For the engine to read. */
    uint64_t deadline_ns; /* when to call tcp_recovery_due; NEVER */
    uint64_t progress_ns; /* when snd_una advanced last, or the first byte in flight was sent: for
                             the user timeout (RFC 5482) */
    uint32_t snd_una, snd_nxt;
    uint8_t state;         /* enum tcp_recovery_state */
    uint8_t timer;         /* enum tcp_recovery_timer */
    uint8_t timeout_count; /* since snd_una advanced last */

    /* Private from here on. */
    uint8_t backoff_count; /* timeouts since the RTT was measured last (RFC 6298 5.5) */
    uint8_t frto_step;     /* RFC 5682 3.1; 0: not at it */
    uint16_t flags;        /* enum tcp_recovery_flag */
    uint8_t dupack_count;
    uint8_t rack_window_multiplier, rack_window_persist;

    uint32_t record_count;
    uint32_t seq_first, seq_last;     /* records in sequence, gap-free */
    uint32_t order_first, order_last; /* those in flight, the earliest sent first */
    uint32_t lost_first, lost_last;   /* those lost and not sent again, lowest first */
    uint32_t sack_place;              /* where the last SACK block led */

    uint32_t sacked_bytes, lost_bytes;
    struct tcp_range sacked[TCP_SACK_MAX]; /* the blocks of the last ACK */
    uint32_t recovery_point;               /* snd_nxt when the state was entered */

    uint64_t rto_start_ns; /* the RTO counts from here */

    /* RACK (RFC 8985 5.2). */
    uint64_t rack_xmit_ns, rack_rtt_ns;
    uint64_t rack_deadline_ns; /* of the reorder timer; NEVER */
    uint32_t rack_end_seq, rack_fack;
    uint32_t rack_dsack_round;
    uint32_t probe_end; /* snd_nxt at the tail loss probe */

    /* PRR (RFC 6937). */
    uint32_t prr_delivered_bytes, prr_out_bytes, prr_start_bytes;

    /* To take a false alarm back. */
    uint32_t undo_start;       /* snd_una when the episode began */
    uint32_t undo_again_bytes; /* sent again in it, and not shown to be needless */
    uint32_t undo_timestamp;   /* ours, when bytes were first sent again */

    /* How much of the window was used in this round trip and in the last (RFC 7661). */
    uint32_t used_bytes, used_earlier_bytes;
    uint32_t used_round_end;

    struct tcp_rtt rtt;
    struct tcp_pacing pacing;
    struct tcp_congestion congestion;
};

/* Before the handshake, snd_una and snd_nxt at `iss`: only the RTO matters, by which a SYN is
 * repeated. */
void tcp_recovery_open(struct tcp_recovery *recovery, struct tcp_recovery_pool *pool, uint32_t iss);

struct tcp_recovery_options {
    uint32_t mss_bytes; /* of payload, options deducted */
    bool sack, timestamps;
    bool syn_was_lost; /* ours, the SYN or the SYN-ACK: it was sent more than once */
    enum tcp_congestion_kind congestion;
    uint64_t rtt_ns; /* the handshake's; 0: not known, or measured by tcp_recovery_acknowledged */
};

/* The handshake is complete and nothing is in flight: snd_una and snd_nxt at `snd_una`. */
void tcp_recovery_establish(struct tcp_recovery *recovery,
                            const struct tcp_recovery_options *options, uint32_t snd_una,
                            uint64_t now_ns);

/* Gives all records back. May be called twice. */
void tcp_recovery_close(struct tcp_recovery *recovery);

/* The segment size of the path has changed. `lost`: what is in flight was too large and has been
 * dropped for that; it goes again, and the window stays as it is (RFC 1191 6.5, RFC 4821 7.6.2). */
void tcp_recovery_set_mss(struct tcp_recovery *recovery, uint32_t mss_bytes, bool lost);

/* These bytes have left just now: from snd_nxt on, new ones; else a range that had been sent
 * before, which must end at or before snd_nxt. `timestamp`: the TSval it carried, from a clock of
 * at most 1 ms a tick; 0 without timestamps. */
void tcp_recovery_sent(struct tcp_recovery *recovery, struct tcp_range range, uint32_t timestamp,
                       uint64_t now_ns);

/* An ACK that is acceptable: snd_una <= ack <= snd_nxt; an older one that carries SACK may be given
 * too. What its blocks claim is checked here. */
struct tcp_acknowledgement {
    uint32_t ack;
    const struct tcp_range *sack; /* in the order received, a DSACK first (RFC 2883) */
    uint32_t sack_count;
    uint32_t timestamp_echo; /* TSecr */
    uint32_t timestamp_now;  /* what our TSval would be now, in the same clock */
    bool has_timestamp_echo;
    bool has_data;       /* the segment had bytes, SYN or FIN: it is no duplicate ACK */
    bool window_changed; /* nor with another window (RFC 5681 2) */
    bool ecn_echo;       /* ECE, on a connection with ECN */
};

struct tcp_recovery_outcome {
    uint32_t acknowledged_bytes; /* by which snd_una advanced */
    uint32_t sacked_bytes;       /* newly, above it */
    uint32_t lost_bytes;         /* newly marked */
    uint64_t rtt_ns;             /* measured by this ACK; 0: not */
    bool entered_recovery;       /* fast recovery */
    bool reduced;                /* the window, for loss or mark: CWR goes with the next new data */
    bool spurious;               /* a retransmission was needless, and its reduction taken back */
};

void tcp_recovery_acknowledged(struct tcp_recovery *recovery,
                               const struct tcp_acknowledgement *acknowledgement, uint64_t now_ns,
                               struct tcp_recovery_outcome *outcome);

enum tcp_recovery_action {
    TCP_DUE_NOTHING, /* it was not time yet */
    TCP_DUE_SEND,    /* bytes were found lost: send what is allowed */
    TCP_DUE_PROBE,   /* send one segment now whatever is allowed: a new one if there is one and the
                        peer's window takes it, else tcp_recovery_probe_range (RFC 8985 7.3) */
    TCP_DUE_TIMEOUT, /* the RTO: send what is allowed, which starts at snd_una */
};

/* deadline_ns has passed. Sets the next one, whatever comes of what is to be sent. */
enum tcp_recovery_action tcp_recovery_due(struct tcp_recovery *recovery, uint64_t now_ns,
                                          struct tcp_recovery_outcome *outcome);

/* The last segment that was sent, for a probe without new data. Empty: there is none. */
struct tcp_range tcp_recovery_probe_range(const struct tcp_recovery *recovery);

/* How many bytes may be sent now, again or new, by the congestion window (RFC 6675, 6937, 3042) and
 * by pacing; less than a segment is never given unless the window is so small. 0 and `*again_ns`
 * not NEVER: pacing holds them back until then. New bytes after idleness must have been announced
 * by tcp_recovery_idle. */
uint32_t tcp_recovery_allowance(const struct tcp_recovery *recovery, uint64_t now_ns,
                                uint64_t *again_ns);

/* The first bytes, lowest first, that are lost and have not been sent again, as far as they are
 * contiguous. False: none. `new_waits`: there are new bytes that the peer's window takes (F-RTO
 * prefers them, RFC 5682 3.1 step 2b). */
bool tcp_recovery_next_lost(const struct tcp_recovery *recovery, bool new_waits,
                            struct tcp_range *range);

/* Before new bytes are sent with nothing in flight: restarts a window that has been idle. */
void tcp_recovery_idle(struct tcp_recovery *recovery, uint64_t now_ns);

/* Bytes believed to be on their way: pipe (RFC 6675 4). */
static inline uint32_t tcp_recovery_in_flight_bytes(const struct tcp_recovery *recovery)
{
    return recovery->snd_nxt - recovery->snd_una - recovery->sacked_bytes - recovery->lost_bytes;
}

/* The retransmission timeout as it stands, backed off; for the persist timer too. */
static inline uint64_t tcp_recovery_rto_ns(const struct tcp_recovery *recovery)
{
    return tcp_rtt_backed_off_ns(&recovery->rtt, recovery->backoff_count);
}

#endif
