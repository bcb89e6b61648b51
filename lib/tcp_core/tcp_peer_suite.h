/* tcp_peer_suite.h - a peer that a test plays itself, segment by segment, against one TCP: what the
 * tests of tcp_core share.
 *
 *     peer_open(&peer, &parameters);
 *     peer_connect(&peer);                          the TCP opens, the peer answers
 *     peer_say(&peer, TCP_ACK, VIEW("hello"));      a segment in order
 *     struct tcp_segment ack = peer_hear(&peer);    what the TCP has sent
 *     peer_close(&peer);                            nothing was leaked
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_PEER_SUITE_H
#define LOOM_TCP_PEER_SUITE_H

#include "tcp_core/tcp_wire.h"
#include "test/test.h"

#define PEER_MSS        1000
#define PEER_PORT       80
#define PEER_LOCAL_PORT 40000
#define PEER_WINDOW     50000

struct peer {
    struct tcp_wire *wire;
    struct tcp_core *core;
    struct tcp_connection *connection;
    struct tcp_acceptor *acceptor;
    struct tcp_user user;
    struct tcp_acceptor_user acceptor_user;
    struct tcp_pair pair; /* as the TCP sees it */
    unsigned events;      /* told since peer_events was asked last */

    /* The peer's own variables, which a test may set. */
    uint32_t seq, ack; /* its next byte, and the TCP's that it waits for */
    uint32_t iss;      /* the TCP's */
    uint16_t window, mss;
    bool timestamps, sack_permitted, window_scale, ecn;
    uint8_t wind_shift;
    uint32_t ts_value, ts_echo;
};

/* One wire serves a test program, whose tests follow each other. */
void peer_open(struct peer *peer, const struct tcp_core_parameters *parameters);
void peer_open_default(struct peer *peer);

/* Lets go of the connection if it is not closed, waits until all is over, and expects that every
 * buffer, record and loan is back. */
void peer_close(struct peer *peer);

/* The connection is the test's no longer: it was closed or aborted. */
void peer_let_go(struct peer *peer);

/* ---- opening ---- */

/* The TCP sends its SYN, which is taken. */
struct tcp_segment peer_begin(struct peer *peer);
/* The whole handshake, opened by the TCP or by the peer. */
void peer_connect(struct peer *peer);
void peer_accept(struct peer *peer);
/* The parts of the second: the TCP listens; its SYN-ACK is taken; the user takes the connection. */
void peer_listen(struct peer *peer);
struct tcp_wire_record peer_hear_syn_ack(struct peer *peer);
void peer_take(struct peer *peer);

/* ---- segments ---- */

/* A segment in order at peer->seq with peer->ack, which moves peer->seq on. */
void peer_say(struct peer *peer, unsigned flags, struct view payload);
/* The same elsewhere; moves nothing. */
void peer_say_at(struct peer *peer, unsigned flags, uint32_t seq, uint32_t ack,
                 struct view payload);
/* Any segment at all, ports excepted. */
void peer_say_raw(struct peer *peer, const struct tcp_segment *segment, struct view payload);
/* An acknowledgement with one block (RFC 2018 3). */
void peer_say_sack(struct peer *peer, uint32_t ack, struct tcp_range block);
/* `count` bytes of the stream, in order, at most 1,400. */
void peer_say_bytes(struct peer *peer, unsigned flags, size_t count);

/* The next segment that the TCP has sent; there must be one. Text and FIN in order move peer->ack
 * on. */
struct tcp_segment peer_hear(struct peer *peer);
struct tcp_wire_record peer_hear_record(struct peer *peer);
/* Nothing was sent. */
void peer_hear_nothing(struct peer *peer);
/* Takes all that was sent, acknowledging nothing. */
void peer_hear_all(struct peer *peer);

/* Acknowledges all that was heard. */
void peer_acknowledge(struct peer *peer);

void peer_wait(struct peer *peer, uint64_t duration_ns);

/* ---- the user's side ---- */

/* Since it was asked last. */
unsigned peer_events(struct peer *peer);

/* Bytes of the stream: `count` from peer->sent on. */
size_t peer_user_sends(struct peer *peer, struct view bytes, enum tcp_send_mode mode);
/* Sends `count` zeros. */
size_t peer_user_sends_count(struct peer *peer, size_t count);
/* Reads all that there is, and gives how much; CLOSED or a failure is *result. */
size_t peer_user_reads(struct peer *peer, enum result *result);

static inline uint8_t peer_state(const struct peer *peer)
{
    return peer->connection->state;
}

/* Drives a fresh connection into a state, TCP_SYN_SENT to TCP_LAST_ACK. */
void peer_reach(struct peer *peer, enum tcp_state state);

#endif
