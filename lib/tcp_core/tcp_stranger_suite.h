/* tcp_stranger_suite.h - for tests: one core, and strangers who send it whatever segments the test
 * writes. What it sends is kept to be looked at; time passes when the test says so.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_STRANGER_SUITE_H
#define LOOM_TCP_STRANGER_SUITE_H

#include "tcp_core/tcp_core_state.h"
#include "tcp_core/tcp_segment.h"

#define STRANGER_SENT_MAX 4096

/* A segment that the core has sent. */
struct stranger_sent {
    struct tcp_pair pair; /* as the core sees it: local is the core's */
    struct tcp_segment segment;
    uint8_t traffic_class;
};

struct stranger {
    struct ip ip;
    struct agenda agenda;
    struct packet_pool pool;
    struct tcp_core core;
    struct tcp_acceptor_user user;
    unsigned acceptable_count;
    uint16_t mtu_bytes;
    struct stranger_sent sent[STRANGER_SENT_MAX]; /* a ring: beyond that the oldest are lost */
    size_t sent_count, looked_at_count;
};

/* 192.0.2.1, which is the core's only address. */
extern const struct address stranger_host;

/* Small, with the usual times; a test changes what it is about. */
struct tcp_core_parameters stranger_parameters(void);

void stranger_open(struct stranger *stranger, const struct tcp_core_parameters *parameters);

/* Expects that no packet is missing. */
void stranger_close(struct stranger *stranger);

/* Port 80, with 198.51.100.0 + `number` as the peer's address and the peer's port 40000. */
struct tcp_pair stranger_pair(uint32_t number);

struct tcp_acceptor *stranger_listen(struct stranger *stranger, uint16_t port, size_t backlog);

/* From pair->peer to the core; ports are filled in. The burst ends with it. */
void stranger_send(struct stranger *stranger, const struct tcp_pair *pair,
                   struct tcp_segment segment, struct view payload);

/* The next segment that the core has sent and the test has not looked at; it must be there. */
const struct stranger_sent *stranger_expect_sent(struct stranger *stranger);

/* There is none. */
void stranger_expect_silence(struct stranger *stranger);

void stranger_pass_time(struct stranger *stranger, uint64_t duration_ns);

/* A SYN as Linux sends it, and one without any options. */
struct tcp_segment stranger_syn(uint32_t seq);
struct tcp_segment stranger_bare_syn(uint32_t seq);

/* The ACK that answers a SYN-ACK, its timestamps too. */
struct tcp_segment stranger_ack(const struct tcp_segment *syn, const struct tcp_segment *syn_ack);

/* A whole handshake; gives the SYN-ACK. */
struct tcp_segment stranger_connect(struct stranger *stranger, const struct tcp_pair *pair,
                                    const struct tcp_segment *syn);

#endif
