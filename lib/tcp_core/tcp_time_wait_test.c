/* tcp_time_wait_test.c - what is left of ended connections: RFC 9293 3.10.7.4, RFC 1337, RFC 6191.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_time_wait.h"

#include "tcp_core/tcp_isn.h"
#include "tcp_core/tcp_port.h"
#include "tcp_core/tcp_stranger_suite.h"
#include "test/test.h"

#define NOTHING ((struct view){ 0 })
#define SND_NXT 500000
#define RCV_NXT 900000
#define TS      7000

static struct stranger stranger;

static void enter(uint32_t number, bool timestamps)
{
    struct tcp_pair pair = stranger_pair(number);
    struct tcp_farewell farewell = {
        .pair = &pair,
        .snd_nxt = SND_NXT,
        .rcv_nxt = RCV_NXT,
        .window = 1000,
        .timestamps = timestamps,
        .ts_recent = TS,
        .ts_offset = 12345,
    };
    tcp_time_wait_enter(&stranger.core, &farewell);
}

static void open_with(bool timestamps)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    stranger_open(&stranger, &parameters);
    (void)stranger_listen(&stranger, 80, 8);
    enter(1, timestamps);
}

static uint64_t count(void)
{
    return tcp_core_statistics(&stranger.core)->time_wait_count;
}

static struct tcp_segment fin(void)
{
    return (struct tcp_segment){
        .seq = RCV_NXT - 1,
        .ack = SND_NXT,
        .flags = TCP_FIN | TCP_ACK,
        .options = TCP_OPTION_TIMESTAMPS,
        .ts_value = TS,
    };
}

static void expect_ack(void)
{
    struct tcp_segment ack = stranger_expect_sent(&stranger)->segment;
    expect_that(ack.flags, ==, TCP_ACK);
    expect_that(ack.seq, ==, SND_NXT);
    expect_that(ack.ack, ==, RCV_NXT);
    expect_that(ack.window, ==, 1000);
}

TEST(a_record_ends_after_two_msl)
{
    open_with(true);
    stranger_pass_time(&stranger, 60 * S_NS - MS_NS);
    expect_that(count(), ==, 1);
    stranger_pass_time(&stranger, 2 * MS_NS);
    expect_that(count(), ==, 0);
    stranger_close(&stranger);
}

TEST(a_fin_that_comes_again_is_acknowledged_and_two_msl_begin_anew)
{
    /* RFC 9293 3.10.7.4, eighth, TIME-WAIT. */
    open_with(true);
    struct tcp_pair pair = stranger_pair(1);
    stranger_pass_time(&stranger, 50 * S_NS);
    stranger_send(&stranger, &pair, fin(), NOTHING);
    expect_ack();
    stranger_pass_time(&stranger, 50 * S_NS);
    expect_that(count(), ==, 1);
    stranger_pass_time(&stranger, 11 * S_NS);
    expect_that(count(), ==, 0);
    stranger_close(&stranger);
}

TEST(answers_carry_our_timestamps_on)
{
    open_with(true);
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, fin(), NOTHING);
    struct tcp_segment ack = stranger_expect_sent(&stranger)->segment;
    expect_that(ack.ts_value, ==, tcp_timestamp_clock(stranger.agenda.now_ns) + 12345);
    expect_that(ack.ts_echo, ==, TS);
    stranger_close(&stranger);
}

TEST(resets_do_not_end_it)
{
    /* RFC 1337 3: TIME-WAIT assassination. */
    open_with(false);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment reset = { .seq = RCV_NXT, .flags = TCP_RST };
    stranger_send(&stranger, &pair, reset, NOTHING);
    reset.flags |= TCP_ACK;
    stranger_send(&stranger, &pair, reset, NOTHING);
    stranger_expect_silence(&stranger);
    expect_that(count(), ==, 1);
    stranger_close(&stranger);
}

TEST(an_old_duplicate_is_acknowledged_and_changes_nothing)
{
    open_with(true);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment old = { .seq = RCV_NXT - 5000, .ack = SND_NXT, .flags = TCP_ACK };
    stranger_pass_time(&stranger, 50 * S_NS);
    stranger_send(&stranger, &pair, old, VIEW("old data"));
    expect_ack();
    struct tcp_segment old_fin = fin();
    old_fin.ts_value = TS - 1; /* RFC 7323 5.3 */
    stranger_send(&stranger, &pair, old_fin, NOTHING);
    expect_ack();
    stranger_pass_time(&stranger, 11 * S_NS);
    expect_that(count(), ==, 0);
    stranger_close(&stranger);
}

TEST(a_plain_acknowledgement_in_its_place_is_not_answered)
{
    /* Two ends in TIME-WAIT must not acknowledge each other for ever. */
    open_with(false);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment ack = { .seq = RCV_NXT, .ack = SND_NXT, .flags = TCP_ACK };
    stranger_send(&stranger, &pair, ack, NOTHING);
    stranger_expect_silence(&stranger);
    stranger_close(&stranger);
}

TEST(its_answers_have_a_limit)
{
    open_with(true);
    struct tcp_pair pair = stranger_pair(1);
    for (int i = 0; i < 1000; i++)
        stranger_send(&stranger, &pair, fin(), NOTHING);
    expect_that(stranger.sent_count, ==, TCP_TIME_WAIT_BURST);
    stranger_pass_time(&stranger, TCP_TIME_WAIT_INTERVAL_NS);
    stranger_send(&stranger, &pair, fin(), NOTHING);
    expect_that(stranger.sent_count, ==, TCP_TIME_WAIT_BURST + 1);
    stranger_close(&stranger);
}

/* ---- RFC 6191 2 ---- */

struct reuse {
    uint32_t ts_value, seq;
    bool had_timestamps, has_timestamps, begins_anew;
};

TEST(a_syn_begins_anew_only_where_it_is_sure_to_be_new)
{
    const struct reuse cases[] = {
        { TS + 1, RCV_NXT - 1000, true, true, true },
        { TS, RCV_NXT + 1, true, true, true },
        { TS, RCV_NXT, true, true, false },
        { TS, RCV_NXT - 1000, true, true, false },
        { TS - 1, RCV_NXT + 1000, true, true, false },
        { 0, RCV_NXT + 1, true, false, true },
        { 0, RCV_NXT - 1, true, false, false },
        { 1, RCV_NXT - 1000, false, true, true },
        { 0, RCV_NXT + 1, false, false, true },
        { 0, RCV_NXT, false, false, false },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        open_with(cases[i].had_timestamps);
        struct tcp_pair pair = stranger_pair(1);
        struct tcp_segment syn = cases[i].has_timestamps ? stranger_syn(cases[i].seq)
                                                         : stranger_bare_syn(cases[i].seq);
        syn.ts_value = cases[i].ts_value;
        stranger_send(&stranger, &pair, syn, NOTHING);
        struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
        expect_that(answer.flags, ==, cases[i].begins_anew ? TCP_SYN | TCP_ACK : TCP_ACK);
        expect_that(count(), ==, !cases[i].begins_anew);
        stranger_close(&stranger);
    }
}

TEST(a_pair_used_anew_starts_past_its_old_numbers)
{
    /* RFC 9293 3.10.7.4 (RFC 1122 4.2.2.13): whatever the clock of initial numbers says. */
    uint32_t last_numbers[] = { SND_NXT, 0x7fffffff, 0xffffff00, 0x12345678, 0xdeadbeef };
    for (size_t i = 0; i < LENGTH_OF(last_numbers); i++) {
        open_with(true);
        struct tcp_pair pair = stranger_pair(1);
        uint32_t reference = tcp_demux_find(&stranger.core.demux, &pair);
        stranger.core.time_waits.records[tcp_reference_index(reference)].snd_nxt = last_numbers[i];
        struct tcp_segment syn = stranger_syn(1);
        syn.ts_value = TS + 1;
        stranger_send(&stranger, &pair, syn, NOTHING);
        uint32_t iss = stranger_expect_sent(&stranger)->segment.seq;
        expect(sequence_past(iss, last_numbers[i]) > 65535);
        stranger_close(&stranger);
    }
}

TEST(where_nobody_listens_a_syn_does_not_end_it)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    stranger_open(&stranger, &parameters);
    enter(1, false);
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, stranger_syn(RCV_NXT + 1000), NOTHING);
    expect_ack();
    expect_that(count(), ==, 1);
    stranger_close(&stranger);
}

/* ---- with a connection ---- */

/* A connection that we close first, up to its TIME-WAIT record. Gives our last number. */
static uint32_t connect_and_close(struct tcp_acceptor *acceptor, const struct tcp_pair *pair,
                                  const struct tcp_segment *syn)
{
    struct tcp_segment answer = stranger_connect(&stranger, pair, syn);
    tcp_connection_close(tcp_acceptor_take(acceptor));
    struct tcp_segment our_fin = stranger_expect_sent(&stranger)->segment;
    expect_that(our_fin.flags & TCP_FIN, ==, TCP_FIN);
    struct tcp_segment their_fin = stranger_ack(syn, &answer);
    their_fin.ack++;
    their_fin.flags |= TCP_FIN;
    stranger_send(&stranger, pair, their_fin, NOTHING);
    struct tcp_segment last = stranger_expect_sent(&stranger)->segment;
    expect_that(last.flags, ==, TCP_ACK);
    expect_that(last.ack, ==, syn->seq + 2);
    expect_that(count(), ==, 1);
    expect_that(tcp_core_statistics(&stranger.core)->connection_count, ==, 0);
    return last.seq;
}

TEST(a_peer_may_use_its_port_again_at_once)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    stranger_open(&stranger, &parameters);
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 8);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    for (uint32_t i = 0; i < 50; i++) {
        uint32_t last = connect_and_close(acceptor, &pair, &syn);
        syn.seq = i * 0x2badcafe; /* anywhere: timestamps alone tell it from the old ones */
        syn.ts_value += 10;
        stranger_send(&stranger, &pair, syn, NOTHING);
        struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
        expect_that(answer.flags, ==, TCP_SYN | TCP_ACK);
        expect(sequence_past(answer.seq, last) > 0);
        struct tcp_segment reset = { .seq = syn.seq + 1, .flags = TCP_RST };
        stranger_send(&stranger, &pair, reset, NOTHING);
        expect_that(count(), ==, 0);
    }
    stranger_close(&stranger);
}

TEST(what_a_record_answers_is_what_the_connection_would_have)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    stranger_open(&stranger, &parameters);
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 8);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    uint32_t last = connect_and_close(acceptor, &pair, &syn);
    struct tcp_segment again = { .seq = 1001, .ack = last, .flags = TCP_FIN | TCP_ACK };
    again.options = TCP_OPTION_TIMESTAMPS;
    again.ts_value = syn.ts_value + 2;
    stranger_send(&stranger, &pair, again, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
    expect_that(answer.seq, ==, last);
    expect_that(answer.ack, ==, 1002);
    expect(segment_has(&answer, TCP_OPTION_TIMESTAMPS));
    stranger_close(&stranger);
}

/* ---- the pool ---- */

TEST(the_oldest_gives_way_when_all_are_in_use)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    stranger_open(&stranger, &parameters);
    for (uint32_t i = 0; i < 100; i++) {
        enter(i, true);
        stranger_pass_time(&stranger, MS_NS);
    }
    expect_that(count(), ==, parameters.time_wait_count);
    for (uint32_t i = 0; i < 100; i++) {
        struct tcp_pair pair = stranger_pair(i);
        bool is_there = tcp_demux_find(&stranger.core.demux, &pair) != TCP_DEMUX_NONE;
        expect_that(is_there, ==, i >= 100 - parameters.time_wait_count);
    }
    stranger_pass_time(&stranger, 61 * S_NS);
    expect_that(count(), ==, 0);
    expect_that(stranger.core.demux.used, ==, 0);
    stranger_close(&stranger);
}

TEST(many_come_and_go_in_any_order)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    parameters.time_wait_count = 64;
    stranger_open(&stranger, &parameters);
    uint64_t state = 11;
    for (int round = 0; round < 20000; round++) {
        struct tcp_pair pair = stranger_pair((uint32_t)(test_random(&state) % 200));
        uint32_t reference = tcp_demux_find(&stranger.core.demux, &pair);
        if (reference == TCP_DEMUX_NONE)
            enter(pair.peer.address.bytes[3], true);
        else if (test_random(&state) % 2 == 0)
            tcp_time_wait_drop(&stranger.core, tcp_reference_index(reference));
        else
            stranger_send(&stranger, &pair, fin(), NOTHING);
        stranger_pass_time(&stranger, test_random(&state) % S_NS);
        expect_that(stranger.core.demux.used, ==, count());
        expect_that(count(), <=, 64);
    }
    stranger_pass_time(&stranger, 61 * S_NS);
    expect_that(count(), ==, 0);
    stranger_close(&stranger);
}

TEST(without_any_records_nothing_is_kept)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    parameters.time_wait_count = 0;
    stranger_open(&stranger, &parameters);
    enter(1, true);
    expect_that(count(), ==, 0);
    stranger_close(&stranger);
}

TEST(a_connection_that_we_open_may_have_the_pair_after_a_second)
{
    open_with(true);
    struct tcp_pair pair = stranger_pair(1);
    expect(!tcp_port_claim(&stranger.core, &pair));
    stranger_pass_time(&stranger, S_NS + MS_NS);
    expect(tcp_port_claim(&stranger.core, &pair));
    expect_that(count(), ==, 0);
    enter(2, false);
    pair = stranger_pair(2);
    stranger_pass_time(&stranger, 10 * S_NS);
    expect(!tcp_port_claim(&stranger.core, &pair)); /* nothing tells old segments from new */
    stranger_close(&stranger);
}
