/* tcp_wire.h - two hosts and the wire between them, in virtual time: where TCP is tried alone.
 *
 *     host 0: struct tcp_core -- ip --+== delay, loss, rate, ... ==+-- ip -- struct tcp_core :host
 * 1
 *
 * There is no IP layer: what a core hands to ip_send is cut into segments as a device would cut it,
 * its checksum completed, recorded, and put on the wire. A host without a core is whoever runs the
 * test: it looks at the records and injects segments of its own. The same seed gives the same run.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_WIRE_H
#define LOOM_TCP_WIRE_H

#include "tcp_core/tcp_connection.h"

#define TCP_WIRE_FLIGHTS 32768 /* on the way at once; more are lost */
#define TCP_WIRE_RECORDS 512   /* remembered; older ones are forgotten */
#define TCP_WIRE_START   (1000 * S_NS)

/* What one direction does to what is sent. */
struct tcp_wire_faults {
    uint64_t delay_ns;
    uint64_t jitter_ns;    /* up to so much more for each, keeping their order */
    uint64_t reorder_ns;   /* those that are reordered come so much later */
    uint64_t rate_bytes_s; /* 0: as fast as can be */
    uint64_t queue_bytes;  /* waiting for the rate; 0: without limit */
    uint64_t mark_bytes;   /* so many waiting: marked CE instead of nothing; 0: never */
    uint32_t loss_ppm, duplicate_ppm, reorder_ppm;
};

/* A segment that a host has sent. */
struct tcp_wire_record {
    struct tcp_segment segment;
    uint64_t sent_ns;
    uint8_t host;
    uint8_t ecn;
    uint8_t traffic_class; /* ECN's bits excepted */
    bool lost;
    uint8_t head[16]; /* of its payload, the first bytes */
};

struct tcp_wire_flight {
    struct agenda_entry entry;
    struct tcp_wire *wire;
    struct packet *packet;
    struct tcp_wire_flight *next; /* among those that are free */
    uint8_t to, ecn;
};

struct tcp_wire_host {
    struct ip ip;
    struct tcp_wire *wire;
    uint8_t index;
    bool has_core;
    struct address address;
    struct packet_pool pool;
    struct tcp_core core;

    /* What its ip says. */
    uint16_t mtu_bytes;
    uint16_t narrow_mtu_bytes; /* longer ones vanish on the way without a word; 0: none do */
    uint32_t segments_bytes_max;
    bool unreachable, to_many;
    bool ring_is_full;
    unsigned doubt_count; /* times that its core has doubted the path */

    struct tcp_wire_faults faults; /* of what it sends */
    struct address destination;    /* of what it is sending */
    uint8_t traffic_class;         /* likewise */
    uint64_t busy_until_ns;        /* at the rate */
    uint64_t last_arrival_ns;
    uint64_t segments_sent, segments_lost, datagrams_sent;
};

struct tcp_wire {
    struct agenda agenda;
    struct tcp_wire_host hosts[2];
    uint64_t random;
    struct tcp_wire_flight flights[TCP_WIRE_FLIGHTS];
    struct tcp_wire_flight *free;
    size_t touched_count; /* those behind were never used */
    struct tcp_wire_record records[TCP_WIRE_RECORDS];
    uint64_t recorded, taken; /* records since the start */
};

/* Sound values for a test: 1 ms each way, Ethernet's MTU, 64 KiB datagrams, small pools. */
struct tcp_core_parameters tcp_wire_parameters(void);

/* Opens both hosts; the second without a core where `alone`. */
void tcp_wire_open(struct tcp_wire *wire, uint64_t seed,
                   const struct tcp_core_parameters *parameters, size_t packet_count, bool alone);

/* Every buffer must be back: what is on the way is dropped first. */
void tcp_wire_close(struct tcp_wire *wire);

uint64_t tcp_wire_random(struct tcp_wire *wire);

static inline uint64_t tcp_wire_now_ns(const struct tcp_wire *wire)
{
    return wire->agenda.now_ns;
}

/* Lets so much time pass, with all that happens in it. */
void tcp_wire_run(struct tcp_wire *wire, uint64_t duration_ns);

/* To the next thing that happens, if that is before `until_ns`; false: nothing does. */
bool tcp_wire_step(struct tcp_wire *wire, uint64_t until_ns);

/* What host 0 sent and nobody has taken yet, in order. False: nothing. */
bool tcp_wire_take(struct tcp_wire *wire, struct tcp_wire_record *record);

/* How many wait to be taken; forgets them. */
size_t tcp_wire_count(const struct tcp_wire *wire);
void tcp_wire_forget(struct tcp_wire *wire);

/* Hands a segment to host 0 as if host 1 had sent it; its ports are set, its flush is called with
 * `flush`. `ecn` is the datagram's mark. */
struct tcp_wire_injection {
    struct tcp_segment segment;
    struct view payload;
    uint8_t ecn;
    bool without_flush; /* more follow in the same burst */
};
void tcp_wire_inject(struct tcp_wire *wire, const struct tcp_wire_injection *injection);

/* An error that quotes host 0's segment with this sequence number. */
void tcp_wire_error(struct tcp_wire *wire, const struct tcp_pair *pair, uint32_t seq,
                    enum ip_error_kind kind);

/* Whether host 0 believes that it can have sent that. */
bool tcp_wire_has_sent(struct tcp_wire *wire, const struct tcp_pair *pair, uint32_t seq);

#endif
