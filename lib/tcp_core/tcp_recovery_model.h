/* tcp_recovery_model.h - a link and a receiver for tests of recovery: segments without bytes.
 *
 *     recovery --segments--> rate, queue, delay, loss, reordering --> receiver
 *        ^                                                               |
 *        +------------------- ACKs, SACK, DSACK, timestamps <------------+
 *
 * It keeps its own books of what was sent, what is known to have arrived and what was lost, and
 * compares them with recovery's after each step; a difference is an assertion that fails.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RECOVERY_MODEL_H
#define LOOM_TCP_RECOVERY_MODEL_H

#include "tcp_core/tcp_recovery_parts.h"

#define MODEL_MSS     1000
#define MODEL_UNITS   4096 /* segments in a transfer, at most */
#define MODEL_FLIGHTS 8192

struct model_parameters {
    bool sack, timestamps;
    enum tcp_congestion_kind congestion;
    uint32_t segments;       /* to be sent in all */
    uint64_t delay_ns;       /* one way */
    uint64_t segment_ns;     /* what the bottleneck takes for one segment */
    uint32_t queue_segments; /* before it; more are dropped */
    uint32_t loss_ppm, ack_loss_ppm;
    uint32_t lost_once_segment;       /* the first time that it is sent; 0: none */
    uint32_t lost_once_count;         /* and so many from there */
    uint32_t reorder_ppm;             /* of segments that are delayed once more */
    uint64_t reorder_ns;              /* by so much */
    uint64_t hiccup_at_ns, hiccup_ns; /* the link stands still once, and loses nothing */
    uint32_t renege_at_segment; /* when so many have arrived, those out of order are dropped */
    size_t record_count;        /* in the pool, beside the connection's own */
    uint32_t burst_segments;    /* in one transmission, at most */
    uint32_t ack_every;         /* of segments in order; the last waits 40 ms */
    uint32_t first_seq;
    uint64_t seed;
};

struct model_result {
    uint64_t duration_ns;
    uint32_t sent_again, lost, duplicates; /* segments: by us, by the link, that came twice */
    uint32_t timeouts, recoveries, probes, spurious, reductions;
    uint32_t least_cwnd_bytes;
    uint32_t most_records;
};

struct model_flight {
    uint64_t arrives_ns;
    uint32_t unit;
    uint32_t timestamp;
};

struct model_ack {
    uint64_t arrives_ns;
    uint32_t ack_unit;
    uint32_t timestamp_echo;
    struct tcp_range sack[TCP_SACK_MAX];
    uint32_t sack_count;
};

struct model {
    struct model_parameters parameters;
    struct model_result result;
    struct tcp_recovery_pool pool;
    struct tcp_recovery recovery;
    uint64_t now_ns, start_ns, pace_ns;
    uint64_t random;

    /* The link. */
    uint64_t busy_until_ns;
    struct model_flight flights[MODEL_FLIGHTS];
    struct model_ack acks[MODEL_FLIGHTS];
    size_t flight_count, ack_count;

    /* The receiver. */
    bool arrived[MODEL_UNITS + 1];
    uint32_t next_unit, arrived_count;
    uint32_t recent_units[TCP_SACK_MAX]; /* one of each block, the latest first */
    uint32_t recent_count;
    uint32_t timestamp_recent, last_ack_unit, unacked_count;
    uint64_t ack_deadline_ns;

    /* What the sender has been told, and done. Nothing that it knows to have arrived is sent again,
     * unless its records are few or the receiver drops what it has SACKed. */
    bool may_forget;
    bool known[MODEL_UNITS + 1];
    bool sent_once[MODEL_UNITS + 1];
};

/* Sends all of it. */
void model_run(struct model *model, const struct model_parameters *parameters);

/* What must hold of recovery's lists and counts at any time. */
void model_check(const struct tcp_recovery *recovery);

#endif
