/* tcp_syn_cache_test.c - half-open connections: answered, completed, repeated, refused, given up.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_syn_cache.h"

#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_stranger_suite.h"
#include "test/test.h"

#define NOTHING ((struct view){ 0 })

static struct stranger stranger;

static struct tcp_acceptor *open_with(const struct tcp_core_parameters *parameters, size_t backlog)
{
    stranger_open(&stranger, parameters);
    return stranger_listen(&stranger, 80, backlog);
}

static struct tcp_acceptor *open_usual(void)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    return open_with(&parameters, 16);
}

static const struct tcp_core_statistics *statistics(void)
{
    return tcp_core_statistics(&stranger.core);
}

static struct tcp_segment expect_segment(unsigned flags)
{
    const struct stranger_sent *sent = stranger_expect_sent(&stranger);
    expect_that(sent->segment.flags, ==, flags);
    return sent->segment;
}

/* ---- the answer ---- */

TEST(a_syn_is_answered_with_what_it_offers)
{
    /* RFC 9293 3.10.7.2; RFC 7323 2.2 and 3.2, RFC 2018 2. */
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, stranger_syn(1000), NOTHING);
    const struct stranger_sent *sent = stranger_expect_sent(&stranger);
    struct tcp_segment answer = sent->segment;
    expect(tcp_pair_equal(&sent->pair, &pair));
    expect_that(answer.flags, ==, TCP_SYN | TCP_ACK);
    expect_that(answer.ack, ==, 1001);
    expect_that(answer.options, ==,
                TCP_OPTION_MSS | TCP_OPTION_SACK_PERMITTED | TCP_OPTION_TIMESTAMPS |
                    TCP_OPTION_WINDOW_SCALE);
    expect_that(answer.mss, ==, 1460);
    expect_that(answer.ts_echo, ==, 5000);
    expect_that(answer.window, ==, 65535);
    expect_that(answer.wind_shift, ==, 7); /* 6 MiB */
    stranger_expect_silence(&stranger);
    stranger_close(&stranger);
}

TEST(nothing_is_offered_that_the_syn_did_not)
{
    struct tcp_acceptor *acceptor = open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_bare_syn(1000);
    struct tcp_segment answer = stranger_connect(&stranger, &pair, &syn);
    expect_that(answer.options, ==, TCP_OPTION_MSS);
    struct tcp_connection *connection = tcp_acceptor_take(acceptor);
    expect(connection != NULL);
    expect_that(connection->peer_mss, ==, 536); /* RFC 9293 3.7.1, MUST-15 */
    expect_that(connection->rcv_wind_shift, ==, 0);
    expect_that(connection->snd_wind_shift, ==, 0);
    expect_that(connection->snd_wnd, ==, 502);
    tcp_connection_abort(connection);
    stranger_close(&stranger);
}

TEST(congestion_marks_are_agreed_on_only_when_both_bits_ask)
{
    /* RFC 3168 6.1.1. */
    (void)open_usual();
    unsigned asked[] = { TCP_ECE, TCP_CWR, TCP_ECE | TCP_CWR };
    unsigned answers[] = { 0, 0, TCP_ECE };
    for (uint32_t i = 0; i < LENGTH_OF(asked); i++) {
        struct tcp_pair pair = stranger_pair(i);
        struct tcp_segment syn = stranger_syn(1000);
        syn.flags |= (uint8_t)asked[i];
        stranger_send(&stranger, &pair, syn, NOTHING);
        const struct stranger_sent *sent = stranger_expect_sent(&stranger);
        expect_that(sent->segment.flags, ==, TCP_SYN | TCP_ACK | answers[i]);
        expect_that(sent->traffic_class & IP_ECN_MASK, ==, IP_ECN_NOT_ECT);
    }
    stranger_close(&stranger);
}

TEST(a_half_open_connection_takes_no_connection)
{
    (void)open_usual();
    for (uint32_t i = 0; i < 10; i++) {
        struct tcp_pair pair = stranger_pair(i);
        stranger_send(&stranger, &pair, stranger_syn(i), NOTHING);
    }
    expect_that(stranger.core.connections.used_count, ==, 0);
    expect_that(statistics()->syn_count, ==, 10);
    expect_that(stranger.pool.free_count, ==, stranger.pool.count);
    stranger_close(&stranger);
}

TEST(what_no_honest_peer_sends_is_not_answered)
{
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    syn.flags |= TCP_FIN;
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_pair land = { pair.local, pair.local };
    stranger_send(&stranger, &land, stranger_syn(1000), NOTHING);
    struct tcp_segment nothing = { .seq = 1000 };
    stranger_send(&stranger, &pair, nothing, NOTHING); /* RFC 9293 3.10.7.2, fourth */
    struct tcp_segment reset = { .seq = 1000, .flags = TCP_RST | TCP_SYN };
    stranger_send(&stranger, &pair, reset, NOTHING); /* first */
    stranger_expect_silence(&stranger);
    expect_that(statistics()->syn_count, ==, 0);
    stranger_close(&stranger);
}

/* ---- completed ---- */

TEST(the_ack_makes_a_connection_of_what_was_agreed)
{
    struct tcp_acceptor *acceptor = open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    syn.mss = 1300;
    struct tcp_segment answer = stranger_connect(&stranger, &pair, &syn);
    expect_that(stranger.acceptable_count, ==, 1);
    expect(tcp_acceptor_holds(acceptor));
    struct tcp_connection *connection = tcp_acceptor_take(acceptor);
    expect(connection != NULL && !tcp_acceptor_holds(acceptor));
    expect(tcp_pair_equal(&connection->pair, &pair));
    expect_that(connection->state, ==, TCP_ESTABLISHED);
    expect_that(connection->rcv_nxt, ==, 1001);
    expect_that(connection->recovery.snd_una, ==, answer.seq + 1);
    expect_that(connection->recovery.snd_nxt, ==, answer.seq + 1);
    expect_that(connection->snd_wnd, ==, 502 << 7);
    expect_that(connection->peer_mss, ==, 1300);
    expect(tcp_connection_has(connection, TCP_HAS_SACK));
    expect(tcp_connection_has(connection, TCP_HAS_TIMESTAMPS));
    expect_that(connection->ts_recent, ==, 5001);
    expect_that(statistics()->syn_count, ==, 0);
    expect_that(statistics()->opened_passively, ==, 1);
    stranger_expect_silence(&stranger);
    tcp_connection_abort(connection);
    stranger_close(&stranger);
}

TEST(data_on_the_completing_ack_are_not_lost)
{
    struct tcp_acceptor *acceptor = open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = expect_segment(TCP_SYN | TCP_ACK);
    struct tcp_segment ack = stranger_ack(&syn, &answer);
    ack.flags |= TCP_PSH | TCP_FIN;
    stranger_send(&stranger, &pair, ack, VIEW("GET /"));
    struct tcp_connection *connection = tcp_acceptor_take(acceptor);
    expect(connection != NULL);
    expect_that(connection->state, ==, TCP_CLOSE_WAIT);
    struct view bytes;
    expect_ok(tcp_connection_peek(connection, &bytes));
    expect_view(bytes, VIEW("GET /"));
    expect_that(expect_segment(TCP_ACK).ack, ==, 1007);
    tcp_connection_abort(connection);
    stranger_close(&stranger);
}

TEST(a_segment_behind_a_lost_ack_completes_it_too)
{
    /* RFC 9293 3.10.7.4: any acceptable segment with SND.UNA < SEG.ACK =< SND.NXT. */
    struct tcp_acceptor *acceptor = open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = expect_segment(TCP_SYN | TCP_ACK);
    struct tcp_segment ack = stranger_ack(&syn, &answer);
    ack.seq += 1000;
    stranger_send(&stranger, &pair, ack, VIEW("later"));
    struct tcp_connection *connection = tcp_acceptor_take(acceptor);
    expect(connection != NULL);
    expect_that(connection->rcv_nxt, ==, 1001);
    tcp_connection_abort(connection);
    stranger_close(&stranger);
}

/* ---- repeated, and given up ---- */

TEST(an_answer_is_repeated_after_1_3_7_15_and_31_seconds_and_given_up_after_63)
{
    /* RFC 6298 2.1, 5.5; RFC 9293 3.8.3, MUST-23 for SYNs. */
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, stranger_syn(1000), NOTHING);
    struct tcp_segment first = expect_segment(TCP_SYN | TCP_ACK);
    uint64_t waits_s[] = { 1, 2, 4, 8, 16 };
    for (size_t i = 0; i < LENGTH_OF(waits_s); i++) {
        stranger_pass_time(&stranger, waits_s[i] * S_NS - MS_NS);
        stranger_expect_silence(&stranger);
        stranger_pass_time(&stranger, 2 * MS_NS);
        struct tcp_segment again = expect_segment(TCP_SYN | TCP_ACK);
        expect_that(again.seq, ==, first.seq);
        expect_that(again.options, ==, first.options);
    }
    stranger_pass_time(&stranger, 31 * S_NS);
    expect_that(statistics()->syn_count, ==, 1);
    stranger_pass_time(&stranger, 2 * S_NS);
    expect_that(statistics()->syn_count, ==, 0);
    stranger_expect_silence(&stranger);

    /* Too late: RFC 9293 3.10.7.2, second. */
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &pair, stranger_ack(&syn, &first), NOTHING);
    expect_that(expect_segment(TCP_RST).seq, ==, first.seq + 1);
    stranger_close(&stranger);
}

TEST(a_repeated_syn_is_answered_again_within_a_limit)
{
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, stranger_syn(1000), NOTHING);
    struct tcp_segment first = expect_segment(TCP_SYN | TCP_ACK);
    for (int i = 0; i < 100; i++)
        stranger_send(&stranger, &pair, stranger_syn(1000), NOTHING);
    for (int i = 0; i < TCP_SYN_ANSWER_BURST; i++)
        expect_that(expect_segment(TCP_SYN | TCP_ACK).seq, ==, first.seq);
    stranger_expect_silence(&stranger);
    expect_that(statistics()->syn_count, ==, 1);
    stranger_close(&stranger);
}

TEST(a_connection_whose_syn_ack_was_repeated_starts_with_one_segment)
{
    /* RFC 5681 3.1. */
    struct tcp_acceptor *acceptor = open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = expect_segment(TCP_SYN | TCP_ACK);
    stranger_pass_time(&stranger, S_NS + MS_NS);
    (void)expect_segment(TCP_SYN | TCP_ACK);
    stranger_send(&stranger, &pair, stranger_ack(&syn, &answer), NOTHING);
    struct tcp_connection *connection = tcp_acceptor_take(acceptor);
    expect(connection != NULL && tcp_connection_has(connection, TCP_SYN_REPEATED));
    tcp_connection_abort(connection);
    stranger_close(&stranger);
}

TEST(where_more_than_half_is_taken_records_go_after_three_seconds)
{
    (void)open_usual();
    for (uint32_t i = 0; i < 17; i++) {
        struct tcp_pair pair = stranger_pair(i);
        stranger_send(&stranger, &pair, stranger_syn(i), NOTHING);
    }
    stranger_pass_time(&stranger, S_NS + MS_NS);
    expect_that(statistics()->syn_count, ==, 17);
    stranger_pass_time(&stranger, 2 * S_NS + MS_NS);
    /* As soon as half are free, the others have their time. */
    expect_that(statistics()->syn_count, ==, 16);
    stranger_close(&stranger);
}

/* ---- what does not complete it ---- */

TEST(an_acknowledgement_of_something_else_is_reset)
{
    /* RFC 9293 3.10.7.4, fifth, SYN-RECEIVED: <SEQ=SEG.ACK><CTL=RST>. */
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = expect_segment(TCP_SYN | TCP_ACK);
    uint32_t wrong[] = { answer.seq, answer.seq + 2, answer.seq - 1000 };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        struct tcp_segment ack = stranger_ack(&syn, &answer);
        ack.ack = wrong[i];
        stranger_send(&stranger, &pair, ack, NOTHING);
        struct tcp_segment reset = expect_segment(TCP_RST);
        expect_that(reset.seq, ==, wrong[i]);
    }
    expect_that(statistics()->syn_count, ==, 1);
    stranger_close(&stranger);
}

TEST(a_segment_outside_the_window_or_of_an_old_timestamp_is_only_acknowledged)
{
    /* RFC 9293 3.10.7.4, first; RFC 7323 5.3 R1. */
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = expect_segment(TCP_SYN | TCP_ACK);
    struct tcp_segment outside = stranger_ack(&syn, &answer), old = outside;
    outside.seq += 65535;
    old.ts_value = syn.ts_value - 1;
    stranger_send(&stranger, &pair, outside, NOTHING);
    struct tcp_segment challenge = expect_segment(TCP_ACK);
    expect_that(challenge.seq, ==, answer.seq + 1);
    expect_that(challenge.ack, ==, 1001);
    stranger_send(&stranger, &pair, old, NOTHING);
    (void)expect_segment(TCP_ACK);
    expect_that(statistics()->paws_rejected, ==, 1);
    expect_that(statistics()->opened_passively, ==, 0);
    stranger_close(&stranger);
}

TEST(a_segment_without_the_timestamps_agreed_on_is_dropped)
{
    /* RFC 7323 3.2. */
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = expect_segment(TCP_SYN | TCP_ACK);
    struct tcp_segment ack = stranger_ack(&syn, &answer);
    ack.options = 0;
    stranger_send(&stranger, &pair, ack, NOTHING);
    stranger_expect_silence(&stranger);
    expect_that(statistics()->opened_passively, ==, 0);
    stranger_close(&stranger);
}

TEST(only_the_exact_reset_ends_it)
{
    /* RFC 5961 3.2. */
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, stranger_syn(1000), NOTHING);
    (void)expect_segment(TCP_SYN | TCP_ACK);
    struct tcp_segment reset = { .seq = 1002, .flags = TCP_RST };
    stranger_send(&stranger, &pair, reset, NOTHING);
    (void)expect_segment(TCP_ACK);
    reset.seq = 1001 + 65535;
    stranger_send(&stranger, &pair, reset, NOTHING);
    reset.seq = 1000;
    stranger_send(&stranger, &pair, reset, NOTHING);
    stranger_expect_silence(&stranger);
    expect_that(statistics()->syn_count, ==, 1);
    reset.seq = 1001;
    stranger_send(&stranger, &pair, reset, NOTHING);
    stranger_expect_silence(&stranger);
    expect_that(statistics()->syn_count, ==, 0);
    stranger_close(&stranger);
}

TEST(another_syn_is_challenged_and_a_peer_that_began_anew_gets_through)
{
    /* RFC 5961 4.2; RFC 9293 3.5.1, figure 9, for the way out. */
    struct tcp_acceptor *acceptor = open_usual();
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, stranger_syn(1000), NOTHING);
    struct tcp_segment first = expect_segment(TCP_SYN | TCP_ACK);
    struct tcp_segment other = stranger_syn(777000);
    stranger_send(&stranger, &pair, other, NOTHING);
    struct tcp_segment challenge = expect_segment(TCP_ACK);
    expect_that(challenge.seq, ==, first.seq + 1);
    expect_that(challenge.ack, ==, 1001);
    struct tcp_segment reset = { .seq = challenge.ack, .flags = TCP_RST };
    stranger_send(&stranger, &pair, reset, NOTHING);
    (void)stranger_connect(&stranger, &pair, &other);
    struct tcp_connection *connection = tcp_acceptor_take(acceptor);
    expect(connection != NULL && connection->rcv_nxt == 777001);
    tcp_connection_abort(connection);
    stranger_close(&stranger);
}

TEST(challenges_have_a_limit_of_their_own_for_each_record)
{
    /* RFC 5961 7; one shared by all connections could be counted from outside (CVE-2016-5696). */
    (void)open_usual();
    struct tcp_pair pair = stranger_pair(1), other = stranger_pair(2);
    stranger_send(&stranger, &pair, stranger_syn(1000), NOTHING);
    stranger_send(&stranger, &other, stranger_syn(1000), NOTHING);
    (void)expect_segment(TCP_SYN | TCP_ACK);
    (void)expect_segment(TCP_SYN | TCP_ACK);
    for (int i = 0; i < 1000; i++)
        stranger_send(&stranger, &pair, stranger_syn(5), NOTHING);
    for (int i = 0; i < TCP_SYN_ANSWER_BURST; i++)
        (void)expect_segment(TCP_ACK);
    stranger_expect_silence(&stranger);
    stranger_send(&stranger, &other, stranger_syn(5), NOTHING);
    (void)expect_segment(TCP_ACK);
    stranger_close(&stranger);
}

/* ---- the numbers that wrap ---- */

TEST(sequence_numbers_may_wrap_in_the_handshake)
{
    struct tcp_acceptor *acceptor = open_usual();
    uint32_t starts[] = { 0xffffffff, 0xfffffffe, 0, 0x7fffffff };
    for (uint32_t i = 0; i < LENGTH_OF(starts); i++) {
        struct tcp_pair pair = stranger_pair(i);
        struct tcp_segment syn = stranger_syn(starts[i]);
        (void)stranger_connect(&stranger, &pair, &syn);
        struct tcp_connection *connection = tcp_acceptor_take(acceptor);
        expect(connection != NULL);
        expect_that(connection->rcv_nxt, ==, (uint32_t)(starts[i] + 1));
        tcp_connection_abort(connection);
        (void)expect_segment(TCP_RST | TCP_ACK);
    }
    stranger_close(&stranger);
}
