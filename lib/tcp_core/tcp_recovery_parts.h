/* tcp_recovery_parts.h - what the files of recovery share, and nobody else sees.
 *
 *     tcp_sent.c        the pool, and a connection's lists of records
 *     tcp_scoreboard.c  what an ACK and its SACK blocks say about them
 *     tcp_rack.c        which are lost, by time (RFC 8985)
 *     tcp_undo.c        which were lost after all, and which not (RFC 5682, 3522, 3708)
 *     tcp_prr.c         how the window comes down (RFC 6937)
 *     tcp_recovery.c    all of it together
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RECOVERY_PARTS_H
#define LOOM_TCP_RECOVERY_PARTS_H

#include "tcp_core/tcp_recovery.h"

enum tcp_recovery_flag {
    TCP_FLAG_SACK = 1 << 0,
    TCP_FLAG_TIMESTAMPS = 1 << 1,
    TCP_FLAG_REORDERED = 1 << 2,   /* RACK.reordering_seen */
    TCP_FLAG_DSACK_ROUND = 1 << 3, /* rack_dsack_round is set */
    TCP_FLAG_PROBE_DUE = 1 << 4,   /* what is sent next is the probe */
    TCP_FLAG_PROBE_OUT = 1 << 5,   /* until probe_end is acknowledged */
    TCP_FLAG_PROBE_AGAIN = 1 << 6, /* it was sent for the second time: TLP.is_retrans */
    TCP_FLAG_UNDO = 1 << 7,        /* the last reduction may still turn out to be needless */
    TCP_FLAG_UNDO_SENT = 1 << 8,   /* bytes were sent again in it: undo_timestamp is set */
};

/* ---- records: tcp_sent.c ---- */

/* The place of a record in the pool; places, so that a link takes four bytes. */
#define TCP_SENT_NONE UINT32_MAX

enum tcp_sent_state {
    TCP_SENT_FLYING, /* in the list by time */
    TCP_SENT_SACKED, /* in neither */
    TCP_SENT_LOST,   /* in the list of lost ones */
};

/* The bytes of one transmission, or of several at the same instant; what is left of them. */
struct tcp_sent {
    uint64_t sent_ns;
    uint32_t start, end;
    uint32_t timestamp; /* the TSval it carried */
    uint32_t seq_next, seq_prev;
    uint32_t order_next, order_prev; /* in the list by time or of the lost */
    uint8_t state;
    bool again; /* it was not the first time */
};
static_assert(sizeof(struct tcp_sent) == 40, "there are many of them");

static inline struct tcp_sent *tcp_sent_at(const struct tcp_recovery *recovery, uint32_t place)
{
    assert_that(place, <, recovery->pool->count);
    return &recovery->pool->records[place];
}

static inline uint32_t tcp_sent_bytes(const struct tcp_sent *sent)
{
    return sent->end - sent->start;
}

void tcp_sent_init(struct tcp_recovery *recovery);

/* Appends new bytes, flying. */
void tcp_sent_append(struct tcp_recovery *recovery, struct tcp_range range, uint32_t timestamp,
                     uint64_t now_ns);

/* Cuts a record in two at `seq`, within it, and gives the place of the second part; NONE: there is
 * no record for it. */
uint32_t tcp_sent_split(struct tcp_recovery *recovery, uint32_t place, uint32_t seq);

/* Where no record is left: joins the last two, unless one of them is `place`, as if both had been
 * sent when the later one was. */
void tcp_sent_make_room(struct tcp_recovery *recovery, uint32_t place);

/* Takes a record out of all lists and gives it back. */
void tcp_sent_drop(struct tcp_recovery *recovery, uint32_t place);

/* Joins the record behind `place` to it: both in the same state, SACKED, or flying since now. */
void tcp_sent_join_next(struct tcp_recovery *recovery, uint32_t place);

/* Between the states; counts sacked_bytes and lost_bytes. To FLYING: at the end of the list by time
 * if it was sent just now, or at its place near the front if it had been thought lost. */
void tcp_sent_set_flying(struct tcp_recovery *recovery, uint32_t place);
void tcp_sent_set_flying_again(struct tcp_recovery *recovery, uint32_t place);
void tcp_sent_set_sacked(struct tcp_recovery *recovery, uint32_t place);
void tcp_sent_set_lost(struct tcp_recovery *recovery, uint32_t place);

/* The record that holds `seq`, by at most `*steps` steps, which it deducts. NONE: not found so. */
uint32_t tcp_sent_find(const struct tcp_recovery *recovery, uint32_t seq, uint32_t *steps);

/* ---- what one ACK delivers: tcp_scoreboard.c ---- */

struct tcp_delivery {
    const struct tcp_acknowledgement *acknowledgement;
    uint64_t now_ns;

    uint32_t prior_una, prior_fack;
    uint32_t prior_flight_bytes; /* snd_nxt - snd_una before */

    uint32_t acknowledged_bytes; /* by which snd_una advanced */
    uint32_t delivered_bytes;    /* acknowledged or SACKed, and neither before */
    uint32_t sacked_bytes;       /* SACKed and not acknowledged, newly */

    uint64_t rtt_first_ns, rtt_last_ns; /* of acknowledged bytes sent once; 0: none */
    uint64_t sack_rtt_ns;               /* of SACKed ones, the earliest sent */
    bool again_acknowledged;            /* bytes that were sent more than once (Karn's rule) */
    bool original_delivered; /* bytes that were sent once, before the recovery point was set */
    bool later_sacked;       /* bytes behind the recovery point */
    bool thought_lost;       /* bytes that were lost and not sent again were acknowledged */
    bool is_duplicate;       /* a duplicate ACK (RFC 5681 2) */

    /* The latest of what was sent again, which counts for RACK unless this ACK shows that its first
     * transmission has arrived instead. */
    uint64_t again_sent_ns;
    uint32_t again_end;

    bool has_dsack;
    struct tcp_range dsack; /* received twice (RFC 2883) */
};

/* snd_una advances to the ACK: records before it go. */
void tcp_scoreboard_acknowledge(struct tcp_recovery *recovery, struct tcp_delivery *delivery);

/* The ACK's SACK blocks, checked; finds a DSACK among them. */
void tcp_scoreboard_sack(struct tcp_recovery *recovery, struct tcp_delivery *delivery);

/* The peer has dropped what it had SACKed (RFC 2018 8): it is flying again. */
void tcp_scoreboard_forget(struct tcp_recovery *recovery);

/* ---- tcp_rack.c ---- */

void tcp_rack_init(struct tcp_recovery *recovery);

/* Steps 1 to 3 for each record delivered (RFC 8985 6.2). */
void tcp_rack_delivered(struct tcp_recovery *recovery, struct tcp_delivery *delivery,
                        const struct tcp_sent *sent, uint32_t end);

/* The same for what was sent again, once it is clear that it had to be. */
void tcp_rack_again_delivered(struct tcp_recovery *recovery, const struct tcp_delivery *delivery);

/* Step 4's bookkeeping for each ACK: the reordering window grows by DSACKs. */
void tcp_rack_round(struct tcp_recovery *recovery, const struct tcp_delivery *delivery);
void tcp_rack_widen(struct tcp_recovery *recovery);
void tcp_rack_recovery_ended(struct tcp_recovery *recovery);

/* Step 5: marks what is lost, gives how many bytes, and sets rack_deadline_ns. */
uint32_t tcp_rack_detect(struct tcp_recovery *recovery, uint64_t now_ns);

/* Section 6.3: the RTO's marks. */
void tcp_rack_mark_timeout(struct tcp_recovery *recovery, uint64_t now_ns);

/* The first segment that is missing, unless it is known to be. */
void tcp_rack_mark_first(struct tcp_recovery *recovery);

/* When to probe, if at all; NEVER (7.2). */
uint64_t tcp_rack_probe_ns(const struct tcp_recovery *recovery);

/* Section 7.4. True: a loss was repaired by the probe, and asks for a reduction. */
bool tcp_rack_probe_acknowledged(struct tcp_recovery *recovery,
                                 const struct tcp_delivery *delivery);

/* ---- tcp_undo.c ---- */

/* A reduction begins; `frto`: by an RTO that may be spurious. */
void tcp_undo_begin(struct tcp_recovery *recovery, bool frto);
void tcp_undo_timed_out_again(struct tcp_recovery *recovery);
void tcp_undo_end(struct tcp_recovery *recovery);
void tcp_undo_sent_again(struct tcp_recovery *recovery, uint32_t length_bytes, uint32_t timestamp);

/* Whether this ACK shows that it was needless; takes F-RTO's steps. */
bool tcp_undo_is_due(struct tcp_recovery *recovery, const struct tcp_delivery *delivery);

/* Whether F-RTO wants new bytes sent rather than lost ones (RFC 5682 2.1 step 2b). */
bool tcp_undo_wants_new(const struct tcp_recovery *recovery);

/* Takes it back. */
void tcp_undo(struct tcp_recovery *recovery, uint64_t now_ns);

/* ---- tcp_prr.c ---- */

void tcp_prr_begin(struct tcp_recovery *recovery, uint32_t flight_bytes);

/* Sets cwnd for what may be sent after this ACK. `is_safe`: it advanced snd_una and marked nothing
 * lost. */
void tcp_prr_delivered(struct tcp_recovery *recovery, uint32_t delivered_bytes, bool is_safe);

static inline bool tcp_recovery_has(const struct tcp_recovery *recovery,
                                    enum tcp_recovery_flag flag)
{
    return (recovery->flags & flag) != 0;
}

static inline void tcp_recovery_set(struct tcp_recovery *recovery, enum tcp_recovery_flag flag,
                                    bool value)
{
    recovery->flags = (uint16_t)(value ? recovery->flags | flag : recovery->flags & ~flag);
}

static inline bool tcp_recovery_is_reducing(const struct tcp_recovery *recovery)
{
    return recovery->state == TCP_RECOVERY || recovery->state == TCP_REDUCTION;
}

#endif
