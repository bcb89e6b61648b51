/* tcp_peer_suite.c - a peer that a test plays itself.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

#define PACKETS  2048
#define PEER_ISS 0xfffffff0u /* wraps at once: each test is also one of that */

static const uint8_t zeros[65536];

static struct tcp_wire *the_wire(void)
{
    static struct tcp_wire wire;
    return &wire;
}

static void told(struct tcp_user *user, unsigned events)
{
    struct peer *peer = CONTAINER_OF(user, struct peer, user);
    peer->events |= events;
}

static void acceptable(struct tcp_acceptor_user *user)
{
    struct peer *peer = CONTAINER_OF(user, struct peer, acceptor_user);
    expect(peer->acceptor != NULL);
}

void peer_open(struct peer *peer, const struct tcp_core_parameters *parameters)
{
    *peer = (struct peer){
        .wire = the_wire(),
        .user.event = told,
        .acceptor_user.acceptable = acceptable,
        .seq = PEER_ISS,
        .window = PEER_WINDOW,
        .mss = PEER_MSS,
        .ts_value = 5000,
    };
    tcp_wire_open(peer->wire, 1, parameters, PACKETS, true);
    peer->core = &peer->wire->hosts[0].core;
    peer->pair = (struct tcp_pair){
        .local = { .address = peer->wire->hosts[0].address, .port = PEER_LOCAL_PORT },
        .peer = { .address = peer->wire->hosts[1].address, .port = PEER_PORT },
    };
}

void peer_open_default(struct peer *peer)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    peer_open(peer, &parameters);
}

void peer_let_go(struct peer *peer)
{
    peer->connection = NULL;
}

void peer_close(struct peer *peer)
{
    struct tcp_wire_host *host = &peer->wire->hosts[0];
    if (peer->acceptor != NULL) tcp_acceptor_close(peer->acceptor);
    if (peer->connection != NULL) tcp_connection_abort(peer->connection);
    peer_wait(peer, 1000 * S_NS);
    expect_that(host->core.connections.used_count, ==, 0);
    expect_that(host->core.recovery_pool.used_count, ==, 0);
    expect_that(host->core.send_pool.free_count, ==, host->core.send_pool.count);
    expect_that(host->core.syn_cache.used_count, ==, 0);
    expect_that(host->core.demux.used, ==, 0);
    expect_that(host->pool.free_count, ==, host->pool.count);
    expect_that(tcp_core_statistics(peer->core)->connection_count, ==, 0);
    tcp_wire_close(peer->wire);
}

void peer_wait(struct peer *peer, uint64_t duration_ns)
{
    tcp_wire_run(peer->wire, duration_ns);
}

/* ---- segments ---- */

void peer_say_raw(struct peer *peer, const struct tcp_segment *segment, struct view payload)
{
    struct tcp_wire_injection injection = { .segment = *segment, .payload = payload };
    injection.segment.source_port = peer->pair.peer.port;
    injection.segment.destination_port = peer->pair.local.port;
    tcp_wire_inject(peer->wire, &injection);
}

static void put_options(const struct peer *peer, struct tcp_segment *segment)
{
    if (peer->timestamps) {
        segment->options |= TCP_OPTION_TIMESTAMPS;
        segment->ts_value = peer->ts_value;
        segment->ts_echo = peer->ts_echo;
    }
    if ((segment->flags & TCP_SYN) == 0) return;
    segment->options |= TCP_OPTION_MSS;
    segment->mss = peer->mss;
    if (peer->sack_permitted) segment->options |= TCP_OPTION_SACK_PERMITTED;
    if (peer->window_scale) segment->options |= TCP_OPTION_WINDOW_SCALE;
    segment->wind_shift = peer->wind_shift;
}

void peer_say_at(struct peer *peer, unsigned flags, uint32_t seq, uint32_t ack, struct view payload)
{
    struct tcp_segment segment = {
        .seq = seq,
        .ack = (flags & TCP_ACK) != 0 ? ack : 0,
        .flags = (uint8_t)flags,
        .window = peer->window,
    };
    put_options(peer, &segment);
    peer_say_raw(peer, &segment, payload);
}

void peer_say(struct peer *peer, unsigned flags, struct view payload)
{
    peer_say_at(peer, flags, peer->seq, peer->ack, payload);
    peer->seq += (uint32_t)payload.length_bytes + ((flags & TCP_SYN) != 0) +
                 ((flags & TCP_FIN) != 0);
}

void peer_say_sack(struct peer *peer, uint32_t ack, struct tcp_range block)
{
    const struct tcp_segment segment = {
        .seq = peer->seq,
        .ack = ack,
        .flags = TCP_ACK,
        .window = peer->window,
        .options = TCP_OPTION_SACK,
        .sack_count = 1,
        .sack = { block },
    };
    peer_say_raw(peer, &segment, (struct view){ 0 });
}

void peer_say_bytes(struct peer *peer, unsigned flags, size_t count)
{
    peer_say(peer, flags, view_first(VIEW_OF(zeros), count));
}

struct tcp_wire_record peer_hear_record(struct peer *peer)
{
    struct tcp_wire_record record;
    if (!tcp_wire_take(peer->wire, &record)) test_fail(__FILE__, __LINE__, "nothing was sent");
    expect_that(record.segment.source_port, ==, peer->pair.local.port);
    expect_that(record.segment.destination_port, ==, peer->pair.peer.port);
    if (record.segment.seq == peer->ack && (record.segment.flags & TCP_RST) == 0)
        peer->ack += segment_length(&record.segment);
    if (segment_has(&record.segment, TCP_OPTION_TIMESTAMPS))
        peer->ts_echo = record.segment.ts_value;
    return record;
}

struct tcp_segment peer_hear(struct peer *peer)
{
    return peer_hear_record(peer).segment;
}

void peer_hear_nothing(struct peer *peer)
{
    struct tcp_wire_record record;
    if (tcp_wire_take(peer->wire, &record))
        test_fail(__FILE__, __LINE__, "sent: flags %x, seq %u, %u bytes, ack %u",
                  record.segment.flags, record.segment.seq - peer->iss,
                  record.segment.payload_bytes, record.segment.ack);
}

void peer_hear_all(struct peer *peer)
{
    while (tcp_wire_count(peer->wire) > 0)
        (void)peer_hear(peer);
}

void peer_acknowledge(struct peer *peer)
{
    peer_hear_all(peer);
    peer_say(peer, TCP_ACK, (struct view){ 0 });
}

/* ---- opening ---- */

struct tcp_segment peer_begin(struct peer *peer)
{
    expect_ok(tcp_connection_open(peer->core, &peer->pair.local, &peer->pair.peer, &peer->user,
                                  &peer->connection));
    struct tcp_wire_record record;
    expect(tcp_wire_take(peer->wire, &record));
    peer->iss = record.segment.seq;
    peer->ack = record.segment.seq + 1;
    peer->ts_echo = record.segment.ts_value;
    return record.segment;
}

void peer_connect(struct peer *peer)
{
    (void)peer_begin(peer);
    peer_say(peer, TCP_SYN | TCP_ACK | (peer->ecn ? (unsigned)TCP_ECE : 0), (struct view){ 0 });
    struct tcp_segment ack = peer_hear(peer);
    expect_that(ack.flags, ==, TCP_ACK);
    expect_that(ack.seq, ==, peer->iss + 1);
    expect_that(ack.ack, ==, peer->seq);
    expect_that(peer_state(peer), ==, TCP_ESTABLISHED);
    expect_that(peer_events(peer), ==, TCP_EVENT_CONNECTED);
}

void peer_listen(struct peer *peer)
{
    expect_ok(
        tcp_acceptor_open(peer->core, &peer->pair.local, 8, &peer->acceptor_user, &peer->acceptor));
}

struct tcp_wire_record peer_hear_syn_ack(struct peer *peer)
{
    struct tcp_wire_record record;
    expect(tcp_wire_take(peer->wire, &record));
    expect_that(record.segment.flags & ~(unsigned)TCP_ECE, ==, TCP_SYN | TCP_ACK);
    peer->iss = record.segment.seq;
    peer->ack = record.segment.seq + 1;
    peer->ts_echo = record.segment.ts_value;
    return record;
}

void peer_take(struct peer *peer)
{
    peer->connection = tcp_acceptor_take(peer->acceptor);
    expect(peer->connection != NULL);
    tcp_connection_attach(peer->connection, &peer->user);
}

void peer_accept(struct peer *peer)
{
    if (peer->acceptor == NULL) peer_listen(peer);
    peer_say(peer, TCP_SYN | (peer->ecn ? TCP_ECE | TCP_CWR : 0u), (struct view){ 0 });
    struct tcp_segment syn_ack = peer_hear_syn_ack(peer).segment;
    expect_that(syn_ack.flags, ==, TCP_SYN | TCP_ACK | (peer->ecn ? (unsigned)TCP_ECE : 0));
    expect_that(syn_ack.ack, ==, peer->seq);
    peer_say(peer, TCP_ACK, (struct view){ 0 });
    peer_take(peer);
    expect_that(peer_state(peer), ==, TCP_ESTABLISHED);
    (void)peer_events(peer);
}

/* ---- the user's side ---- */

unsigned peer_events(struct peer *peer)
{
    unsigned events = peer->events;
    peer->events = 0;
    return events;
}

size_t peer_user_sends(struct peer *peer, struct view bytes, enum tcp_send_mode mode)
{
    size_t taken_bytes;
    expect_ok(tcp_connection_send(peer->connection, &bytes, 1, mode, &taken_bytes));
    return taken_bytes;
}

size_t peer_user_sends_count(struct peer *peer, size_t count)
{
    size_t sent = 0;
    while (sent < count) {
        struct view some = view_first(VIEW_OF(zeros), MIN(count - sent, sizeof zeros));
        size_t taken = peer_user_sends(peer, some, TCP_SEND_NOW);
        if (taken == 0) break;
        sent += taken;
    }
    return sent;
}

size_t peer_user_reads(struct peer *peer, enum result *result)
{
    size_t read_bytes = 0;
    for (;;) {
        struct view bytes;
        *result = tcp_connection_peek(peer->connection, &bytes);
        if (*result != OK || view_is_empty(bytes)) break;
        read_bytes += bytes.length_bytes;
        tcp_connection_consume(peer->connection, bytes.length_bytes);
    }
    tcp_core_flush(peer->core);
    return read_bytes;
}

/* ---- states ---- */

static void say_fin(struct peer *peer)
{
    peer_say(peer, TCP_ACK | TCP_FIN, (struct view){ 0 });
    peer_hear_all(peer);
}

static void user_shuts(struct peer *peer)
{
    tcp_connection_shut(peer->connection);
    peer_hear_all(peer);
}

void peer_reach(struct peer *peer, enum tcp_state state)
{
    (void)peer_begin(peer);
    if (state == TCP_SYN_SENT) return;
    if (state == TCP_SYN_RECEIVED) {
        peer_say(peer, TCP_SYN, (struct view){ 0 });
        peer_hear_all(peer);
    } else {
        peer_say(peer, TCP_SYN | TCP_ACK, (struct view){ 0 });
        peer_hear_all(peer);
    }
    bool peer_first = state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK;
    if (peer_first) say_fin(peer);
    if (state == TCP_LAST_ACK || (!peer_first && state > TCP_ESTABLISHED)) user_shuts(peer);
    if (state == TCP_FIN_WAIT_2) peer_say(peer, TCP_ACK, (struct view){ 0 });
    if (state == TCP_CLOSING) { /* the peer has not seen our FIN when it sends its own */
        peer_say_at(peer, TCP_ACK | TCP_FIN, peer->seq, peer->ack - 1, (struct view){ 0 });
        peer->seq++;
        peer_hear_all(peer);
    }
    peer_hear_all(peer);
    expect_that(peer_state(peer), ==, state);
    (void)peer_events(peer);
}
