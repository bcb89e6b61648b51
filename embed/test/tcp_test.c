/* tcp_test.c - scripts against the library in virtual time: what it says on the wire, and when.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/test/wire.h"

/* A timer's tick: loom_stack_step promises no more. */
#define TICK_NS 1024

static const uint8_t mss_1000[] = { 2, 4, 1000 >> 8, 1000 & 0xff };
static const uint8_t mss_1460[] = { 2, 4, 1460 >> 8, 1460 & 0xff };

static struct loom_tcp_info info_of(struct loom_socket *socket)
{
    struct loom_tcp_info info;
    expect_ok(loom_tcp_info(socket, &info));
    return info;
}

#define expect_state(socket, wanted) expect_that(info_of(socket).state, ==, wanted)

/* Frames that were sent between two moments: [at, at + a tick]. */
#define expect_at(segment, wanted_ns) \
    (expect_that((segment).at_ns, >=, wanted_ns), \
     expect_that((segment).at_ns, <=, (wanted_ns) + TICK_NS))

static void drain(struct wire *wire)
{
    while (!wire_is_silent(wire))
        (void)wire_next(wire);
}

static struct loom_socket *listen_at(struct wire *wire, const char *text)
{
    struct loom_socket *listener;
    struct loom_endpoint local = endpoint_of(text);
    expect_ok(loom_socket_open(wire->stack, LOOM_TCP, &listener));
    expect_ok(loom_bind(listener, &local));
    expect_ok(loom_listen(listener, 4));
    return listener;
}

static void syn_of_ours(struct wire *wire, uint16_t port)
{
    wire->stack_port = port;
    struct segment syn = { .source_port = wire->our_port,
                           .destination_port = port,
                           .seq = wire->our_seq++,
                           .flags = SYN,
                           .window = 65535,
                           .options_bytes = 4 };
    memcpy(syn.options, mss_1000, 4);
    wire_send(wire, &syn);
    struct segment answer = wire_next(wire);
    expect_that(answer.flags, ==, SYN | ACK);
    expect_that(answer.ack, ==, wire->our_seq);
    wire->stack_seq = answer.seq + 1;
}

/* ---- the handshake ---- */

/* The order in which Linux has them: MSS, SACK permitted, timestamps, a NOP, window scale. */
TEST(syn_options_come_in_the_usual_order)
{
    static const uint8_t kinds[] = { 2, 4, 8, 1, 3 };
    struct wire wire;
    struct loom_socket *socket;
    struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80");
    wire_open(&wire, NULL, 0);
    expect_ok(loom_socket_open(wire.stack, LOOM_TCP, &socket));
    expect_result(loom_connect(socket, &peer, LOOM_NO_WAIT), LOOM_AGAIN);
    expect_state(socket, LOOM_TCP_SYN_SENT);
    struct segment syn = wire_next(&wire);
    expect_that(syn.options_bytes, ==, 20);
    size_t at = 0;
    for (size_t i = 0; i < sizeof kinds; i++) {
        expect_that(syn.options[at], ==, kinds[i]);
        at += kinds[i] == 1 ? 1 : syn.options[at + 1];
    }
    expect_that(at, ==, 20);
    expect_that(syn.options[2] << 8 | syn.options[3], ==, 1460); /* RFC 9293 3.7.1 */
    wire_close(&wire);
}

/* RFC 6298 2.1 and 5.5: a second, then doubled. */
TEST(syn_goes_again_after_a_second_then_doubled)
{
    struct wire wire;
    struct loom_socket *socket;
    struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80");
    wire_open(&wire, NULL, 0);
    uint64_t start_ns = wire.now_ns;
    expect_ok(loom_socket_open(wire.stack, LOOM_TCP, &socket));
    expect_result(loom_connect(socket, &peer, LOOM_NO_WAIT), LOOM_AGAIN);
    wire_run(&wire, start_ns + 16 * S_NS);
    uint32_t seq = 0;
    uint64_t previous_ns = start_ns;
    for (unsigned i = 0; i < 5; i++) {
        struct segment syn = wire_next(&wire);
        expect_that(syn.flags & SYN, ==, SYN);
        if (i > 0) {
            expect_that(syn.seq, ==, seq);
            expect_at(syn, previous_ns + ((uint64_t)1 << (i - 1)) * S_NS);
        }
        seq = syn.seq;
        previous_ns = syn.at_ns;
    }
    expect(wire_is_silent(&wire));
    wire_close(&wire);
}

/* RFC 9293 3.10.7.3: a reset that acknowledges the SYN. */
TEST(connection_is_refused)
{
    struct wire wire;
    struct loom_socket *socket;
    struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80");
    wire_open(&wire, NULL, 0);
    expect_ok(loom_socket_open(wire.stack, LOOM_TCP, &socket));
    expect_result(loom_connect(socket, &peer, LOOM_NO_WAIT), LOOM_AGAIN);
    struct segment syn = wire_next(&wire);
    wire.stack_port = syn.source_port;
    wire.stack_seq = syn.seq + 1;
    wire_say(&wire, RST | ACK, 0, "");
    expect_result(loom_connect(socket, &peer, LOOM_NO_WAIT), LOOM_REFUSED);
    expect_result(loom_error(socket), LOOM_REFUSED);
    loom_close(socket);
    wire_close(&wire);
}

TEST(connection_is_reset)
{
    struct wire wire;
    uint8_t byte;
    size_t received;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    wire_say(&wire, RST, wire.our_seq, "");
    expect_result(loom_receive(socket, &byte, 1, &received, LOOM_NO_WAIT), LOOM_RESET);
    expect_result(loom_send(socket, "x", 1, &received, LOOM_NO_WAIT), LOOM_RESET);
    wire_close(&wire);
}

/* ---- retransmission ---- */

/* RFC 6298 5.5: doubled each time. The peer has no SACK, so no tail loss probe comes first. */
static void expect_retransmissions(struct wire *wire, struct loom_socket *socket)
{
    size_t sent;
    expect_ok(loom_send(socket, "hello", 5, &sent, LOOM_NO_WAIT));
    uint64_t previous_ns = wire->now_ns;
    expect_that(wire_next(wire).at_ns, ==, previous_ns);
    wire_run(wire, previous_ns + 10 * S_NS);
    for (uint64_t rto_ns = 300 * MS_NS; rto_ns <= 4800 * MS_NS; rto_ns *= 2) {
        struct segment again = wire_next(wire);
        expect_that(again.seq, ==, wire->stack_seq);
        expect_that(again.payload_bytes, ==, 5);
        expect_at(again, previous_ns + rto_ns);
        previous_ns = again.at_ns;
    }
    expect(wire_is_silent(wire));
    struct loom_tcp_info info = info_of(socket);
    expect_that(info.cwnd_bytes, ==, info.mss_bytes); /* RFC 5681 3.1: one segment */
    expect_that(info.timeout_count, ==, 5);
    expect_that(info.snd_una, ==, wire->stack_seq);
    expect_that(info.unacknowledged_bytes, ==, 5);
}

/* RFC 6298 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR. */
static void expect_first_rto(struct loom_socket *socket)
{
    struct loom_tcp_info info = info_of(socket);
    expect_that(info.srtt_ns, ==, 100 * MS_NS);
    expect_that(info.rttvar_ns, ==, 50 * MS_NS);
    expect_that(info.rto_ns, ==, 300 * MS_NS);
}

TEST(data_goes_again_when_the_rto_says)
{
    struct wire wire;
    struct loom_socket *socket;
    wire_open(&wire, NULL, 0);
    struct loom_socket *listener = listen_at(&wire, "*:7");
    syn_of_ours(&wire, 7);
    wire_run(&wire, wire.now_ns + 100 * MS_NS);
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_ok(loom_accept(listener, &socket, LOOM_NO_WAIT));
    expect_first_rto(socket);
    expect_retransmissions(&wire, socket);
    wire_close(&wire);
}

/* The handshake of a connection that we open is one measurement, too. */
TEST(data_goes_again_when_the_rto_of_our_syn_says)
{
    struct wire wire;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, mss_1460, 4, 100 * MS_NS);
    expect_first_rto(socket);
    expect_retransmissions(&wire, socket);
    wire_close(&wire);
}

/* RFC 6298 2.3 with alpha 1/8 and beta 1/4, for an RTT of 20 ms after one of 100 ms. */
TEST(rtt_is_smoothed)
{
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, mss_1460, 4, 100 * MS_NS);
    expect_ok(loom_send(socket, "hello", 5, &sent, LOOM_NO_WAIT));
    wire_run(&wire, wire.now_ns + 20 * MS_NS);
    wire.stack_seq += 5;
    wire_say(&wire, ACK, wire.our_seq, "");
    struct loom_tcp_info info = info_of(socket);
    expect_that(info.srtt_ns, ==, 90 * MS_NS);               /* 7/8 100 + 1/8 20 */
    expect_that(info.rttvar_ns, ==, 57 * MS_NS + MS_NS / 2); /* 3/4 50 + 1/4 80 */
    expect_that(info.rto_ns, ==, 320 * MS_NS);
    expect_that(info.snd_una, ==, wire.stack_seq);
    expect_that(info.in_flight_bytes, ==, 0);
    wire_close(&wire);
}

/* ---- the eleven states ---- */

static void fin_of_ours(struct wire *wire)
{
    wire_say(wire, FIN | ACK, wire->our_seq++, "");
}

static enum loom_result find(struct wire *wire, const char *local, enum loom_tcp_state *state)
{
    struct loom_endpoint stack = endpoint_of(local);
    struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80");
    if (stack.port == 1) stack.port = wire->stack_port;
    return loom_tcp_find(wire->stack, &stack, &peer, state);
}

/* RFC 9293 3.6 case 1: we close first. */
TEST(active_close_leads_to_time_wait)
{
    struct wire wire;
    enum loom_tcp_state state;
    char byte;
    size_t received;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_state(socket, LOOM_TCP_ESTABLISHED);
    expect_ok(loom_shutdown(socket));
    expect_that(wire_next(&wire).flags & FIN, ==, FIN);
    expect_state(socket, LOOM_TCP_FIN_WAIT_1);
    wire.stack_seq++;
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_state(socket, LOOM_TCP_FIN_WAIT_2);
    wire_say(&wire, ACK | PSH, wire.our_seq, "z"); /* half closed: it still reads */
    wire.our_seq++;
    expect_ok(loom_receive(socket, &byte, 1, &received, LOOM_NO_WAIT));
    expect(byte == 'z');
    fin_of_ours(&wire);
    expect_state(socket, LOOM_TCP_TIME_WAIT);
    expect_result(loom_receive(socket, &byte, 1, &received, LOOM_NO_WAIT), LOOM_CLOSED);
    loom_close(socket);
    expect_ok(find(&wire, STACK_ADDRESS ":1", &state));
    expect_that(state, ==, LOOM_TCP_TIME_WAIT);
    wire_run(&wire, wire.now_ns + 61 * S_NS); /* 2 MSL */
    expect_result(find(&wire, STACK_ADDRESS ":1", &state), LOOM_NOT_FOUND);
    wire_close(&wire);
}

/* The other side closes first; LAST-ACK is seen after the socket is gone. */
TEST(passive_close_leads_to_last_ack)
{
    struct wire wire;
    enum loom_tcp_state state;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    fin_of_ours(&wire);
    expect_state(socket, LOOM_TCP_CLOSE_WAIT);
    drain(&wire);
    loom_close(socket);
    expect_that(wire_next(&wire).flags & FIN, ==, FIN);
    expect_ok(find(&wire, STACK_ADDRESS ":1", &state));
    expect_that(state, ==, LOOM_TCP_LAST_ACK);
    wire.stack_seq++;
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_result(find(&wire, STACK_ADDRESS ":1", &state), LOOM_NOT_FOUND);
    wire_close(&wire);
}

/* RFC 9293 3.6 case 3. */
TEST(simultaneous_close_passes_closing)
{
    struct wire wire;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_ok(loom_shutdown(socket));
    fin_of_ours(&wire); /* does not acknowledge theirs */
    expect_state(socket, LOOM_TCP_CLOSING);
    wire.stack_seq++;
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_state(socket, LOOM_TCP_TIME_WAIT);
    wire_close(&wire);
}

TEST(passive_open_passes_syn_received)
{
    struct wire wire;
    enum loom_tcp_state state;
    struct loom_socket *socket;
    struct loom_endpoint peer;
    wire_open(&wire, NULL, 0);
    struct loom_socket *listener = listen_at(&wire, "*:7");
    expect_state(listener, LOOM_TCP_LISTEN);
    expect_result(loom_accept(listener, &socket, LOOM_NO_WAIT), LOOM_AGAIN);
    syn_of_ours(&wire, 7);
    expect_ok(find(&wire, STACK_ADDRESS ":7", &state));
    expect_that(state, ==, LOOM_TCP_SYN_RECEIVED);
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_ok(loom_accept(listener, &socket, LOOM_NO_WAIT));
    expect_state(socket, LOOM_TCP_ESTABLISHED);
    expect_ok(loom_peer(socket, &peer));
    expect_that(peer.port, ==, 80);
    expect_that(info_of(socket).peer_mss_bytes, ==, 1000);
    wire_close(&wire);
}

/* ---- options ---- */

/* RFC 5482: what is sent stays unacknowledged for so long. */
TEST(user_timeout_of_a_socket_ends_its_connection)
{
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_result(loom_set_option(socket, LOOM_USER_TIMEOUT_NS, 301 * S_NS), LOOM_INVALID);
    expect_ok(loom_set_option(socket, LOOM_USER_TIMEOUT_NS, 3 * S_NS));
    expect_ok(loom_send(socket, "x", 1, &sent, LOOM_NO_WAIT));
    uint64_t start_ns = wire.now_ns;
    wire_run(&wire, start_ns + 3 * S_NS - TICK_NS);
    expect_ok(loom_error(socket));
    drain(&wire);
    wire_run(&wire, start_ns + 3 * S_NS + TICK_NS);
    expect_result(loom_error(socket), LOOM_TIMED_OUT);
    expect_that(wire_next(&wire).flags & RST, ==, RST);
    wire_close(&wire);
}

/* RFC 9293 3.8.4: SND.NXT - 1, no data; and the answer begins the silence anew. */
TEST(keepalive_of_a_socket_probes_and_gives_up)
{
    struct wire wire;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_ok(loom_set_option(socket, LOOM_KEEPALIVE_IDLE_NS, 10 * S_NS));
    expect_ok(loom_set_option(socket, LOOM_KEEPALIVE_INTERVAL_NS, S_NS));
    expect_ok(loom_set_option(socket, LOOM_KEEPALIVE_COUNT, 3));
    expect_ok(loom_set_option(socket, LOOM_KEEPALIVE, 1));
    uint64_t heard_ns = wire.now_ns;
    wire_run(&wire, heard_ns + 10 * S_NS + MS_NS);
    struct segment probe = wire_next(&wire);
    expect_at(probe, heard_ns + 10 * S_NS);
    expect_that(probe.seq, ==, wire.stack_seq - 1);
    expect_that(probe.payload_bytes, ==, 0);
    wire_say(&wire, ACK, wire.our_seq, "");
    heard_ns = wire.now_ns;
    wire_run(&wire, heard_ns + 20 * S_NS);
    uint64_t previous_ns = heard_ns + 9 * S_NS;
    for (unsigned i = 0; i < 3; i++) {
        probe = wire_next(&wire);
        expect_that(probe.seq, ==, wire.stack_seq - 1);
        expect_at(probe, previous_ns + S_NS);
        previous_ns = probe.at_ns;
    }
    struct segment reset = wire_next(&wire);
    expect_that(reset.flags & RST, ==, RST);
    expect_at(reset, previous_ns + S_NS);
    expect_result(loom_error(socket), LOOM_TIMED_OUT);
    wire_close(&wire);
}

TEST(segments_are_no_longer_than_a_socket_wants)
{
    static uint8_t bytes[6000];
    struct wire wire;
    size_t sent, total = 0;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, mss_1460, 4, MS_NS);
    expect_ok(loom_set_option(socket, LOOM_MSS_MAX, 700));
    expect_ok(loom_send(socket, bytes, sizeof bytes, &sent, LOOM_NO_WAIT));
    wire_step(&wire);
    for (; !wire_is_silent(&wire);) {
        struct segment segment = wire_next(&wire);
        expect_that(segment.payload_bytes, <=, 700);
        total += segment.payload_bytes;
    }
    expect_that(total, >=, 4200);
    expect_that(info_of(socket).mss_bytes, ==, 700);
    wire_close(&wire);
}

TEST(segments_may_grow_again)
{
    static const struct {
        uint64_t asked;
        uint16_t longest;
    } cases[] = {
        { 0, 1460 }, { 700, 700 }, { 1000, 1000 }, { 88, 88 }, { 2000, 1460 }, { 0, 1460 }
    };
    static uint8_t bytes[1460];
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, mss_1460, 4, MS_NS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_ok(loom_set_option(socket, LOOM_MSS_MAX, cases[i].asked));
        expect_ok(loom_send(socket, bytes, cases[i].longest, &sent, LOOM_NO_WAIT));
        expect_that(wire_next(&wire).payload_bytes, ==, cases[i].longest);
        wire.stack_seq += cases[i].longest;
        wire_say(&wire, ACK, wire.our_seq, "");
        expect(wire_is_silent(&wire));
    }
    wire_close(&wire);
}

TEST(send_buffer_of_a_socket_is_its_limit)
{
    static uint8_t bytes[9000];
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, mss_1460, 4, MS_NS);
    expect_ok(loom_set_option(socket, LOOM_SEND_BUFFER_BYTES, 4000));
    expect_ok(loom_send(socket, bytes, sizeof bytes, &sent, LOOM_NO_WAIT));
    expect_that(sent, ==, 4000);
    expect_result(loom_send(socket, bytes, 1, &sent, LOOM_NO_WAIT), LOOM_AGAIN);
    struct loom_poll item = { .socket = socket, .wanted = LOOM_WRITABLE };
    size_t ready;
    expect_result(loom_poll(&item, 1, &ready, LOOM_NO_WAIT), LOOM_AGAIN);
    wire.stack_seq += 2920; /* two segments: the third, a short one, waits for that */
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_ok(loom_poll(&item, 1, &ready, LOOM_NO_WAIT));
    expect_that(item.ready, ==, LOOM_WRITABLE);
    expect_ok(loom_send(socket, bytes, sizeof bytes, &sent, LOOM_NO_WAIT));
    expect_that(sent, ==, 2920);
    wire_close(&wire);
}

TEST(congestion_control_is_chosen_by_name)
{
    struct wire wire;
    struct loom_socket *accepted;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect(strcmp(info_of(socket).congestion, "cubic") == 0);
    expect_ok(loom_set_congestion(socket, "newreno"));
    expect(strcmp(info_of(socket).congestion, "newreno") == 0);
    expect_result(loom_set_congestion(socket, "vegas"), LOOM_NOT_FOUND);
    struct loom_socket *listener = listen_at(&wire, "*:7");
    expect_ok(loom_set_congestion(listener, "newreno"));
    wire.our_port = 81;
    syn_of_ours(&wire, 7);
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_ok(loom_accept(listener, &accepted, LOOM_NO_WAIT));
    expect(strcmp(info_of(accepted).congestion, "newreno") == 0);
    wire_close(&wire);
}

/* RFC 9293 3.7.4: a short segment waits for what is in flight, unless it need not. */
TEST(nagle_can_be_switched_off)
{
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, mss_1460, 4, MS_NS);
    expect_ok(loom_send(socket, "a", 1, &sent, LOOM_NO_WAIT));
    expect_that(wire_next(&wire).payload_bytes, ==, 1);
    expect_ok(loom_send(socket, "b", 1, &sent, LOOM_NO_WAIT));
    expect(wire_is_silent(&wire));
    expect_ok(loom_set_option(socket, LOOM_NODELAY, 1));
    expect_that(wire_next(&wire).payload_bytes, ==, 1);
    expect_ok(loom_send(socket, "c", 1, &sent, LOOM_NO_WAIT));
    expect_that(wire_next(&wire).payload_bytes, ==, 1);
    wire_close(&wire);
}

/* ---- without copies ---- */

struct counted_loan {
    struct loom_loan loan;
    unsigned done;
};

static void on_done(struct loom_loan *loan)
{
    ((struct counted_loan *)(void *)loan)->done++;
}

TEST(bytes_are_lent_until_they_are_acknowledged)
{
    static uint8_t bytes[2000];
    struct wire wire;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, mss_1460, 4, MS_NS);
    struct counted_loan lent = {
        .loan = { .bytes = bytes, .length_bytes = sizeof bytes, .done = on_done }
    };
    expect_ok(loom_lend(socket, &lent.loan, LOOM_NO_WAIT));
    wire.stack_seq += 1460;
    wire_say(&wire, ACK, wire.our_seq, "");
    wire_run(&wire, wire.now_ns + MS_NS);
    expect_that(lent.done, ==, 0);
    wire.stack_seq += 540;
    wire_say(&wire, ACK, wire.our_seq, "");
    wire_step(&wire);
    expect_that(lent.done, ==, 1);
    expect_ok(loom_lend(socket, &lent.loan, LOOM_NO_WAIT)); /* and at the end, in any case */
    wire_close(&wire);
    expect_that(lent.done, ==, 2);
}

TEST(bytes_are_borrowed_until_they_are_consumed)
{
    struct wire wire;
    const void *bytes;
    size_t length;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_result(loom_borrow(socket, &bytes, &length, LOOM_NO_WAIT), LOOM_AGAIN);
    wire_say(&wire, ACK | PSH, wire.our_seq, "hello");
    wire.our_seq += 5;
    expect_ok(loom_borrow(socket, &bytes, &length, LOOM_NO_WAIT));
    expect(length == 5 && memcmp(bytes, "hello", 5) == 0);
    expect_result(loom_consume(socket, 6), LOOM_INVALID);
    expect_ok(loom_consume(socket, 4));
    expect_ok(loom_borrow(socket, &bytes, &length, LOOM_NO_WAIT));
    expect(length == 1 && memcmp(bytes, "o", 1) == 0);
    wire_close(&wire);
}

/* ---- readiness ---- */

struct counting_watch {
    struct loom_watch watch;
    unsigned count, ready;
};

static void on_ready(struct loom_watch *watch, struct loom_socket *socket, unsigned ready)
{
    struct counting_watch *counting = (struct counting_watch *)(void *)watch;
    counting->count++;
    counting->ready = ready;
    if ((ready & LOOM_FAILED) != 0) loom_close(socket);
}

TEST(watch_is_told_and_may_close_the_socket)
{
    struct wire wire;
    struct counting_watch watch = { .watch.ready = on_ready };
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_ok(loom_watch_socket(socket, &watch.watch));
    wire_step(&wire);
    expect_that(watch.ready, ==, LOOM_WRITABLE);
    wire_say(&wire, ACK | PSH, wire.our_seq++, "x");
    expect_that(watch.ready, ==, LOOM_READABLE | LOOM_WRITABLE);
    wire_say(&wire, RST, wire.our_seq, "");
    expect((watch.ready & LOOM_FAILED) != 0);
    expect_that(watch.count, ==, 3);
    expect_result(loom_shutdown(socket), LOOM_CLOSED);
    wire_close(&wire);
}

/* ---- the host ---- */

TEST(full_ring_is_tried_again)
{
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    wire.is_full = true;
    expect_ok(loom_send(socket, "x", 1, &sent, LOOM_NO_WAIT));
    wire_step(&wire);
    expect(wire_is_silent(&wire));
    wire.is_full = false;
    wire_step(&wire);
    expect_that(wire_next(&wire).payload_bytes, ==, 1);
    wire_close(&wire);
}

TEST(wrong_options_are_named)
{
    static const struct {
        struct loom_option option;
        const char *word;
    } wrong[] = {
        { { "tcp-connections", "many" }, "tcp-connections" },
        { { "tcp-conections", "4" }, "did you mean --tcp-connections" },
        { { "mac", "ff:00:00:00:00:00" }, "mac" },
        { { "mtu", "20" }, "out of range" },
        { { "ipv4", "192.0.2.255/24" }, "ipv4" },
    };
    struct wire wire;
    wire_open(&wire, NULL, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char message[200];
        struct loom_stack *stack;
        expect_result(
            loom_stack_open(&wire.host, &wrong[i].option, 1, 0, message, sizeof message, &stack),
            LOOM_INVALID);
        expect(strstr(message, wrong[i].word) != NULL);
    }
    wire_close(&wire);
}
