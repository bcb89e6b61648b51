/* tcp_states_test.c - what each kind of segment does in each state (RFC 9293 3.10.7.4, RFC 5961).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

static struct peer peer;

static const struct view nothing;

/* In each synchronized state of a connection that still has its record. */
static const enum tcp_state synchronized[] = {
    TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK,
};

static void reach(enum tcp_state state)
{
    peer_open_default(&peer);
    peer_reach(&peer, state);
}

static void expect_challenge(void)
{
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.flags, ==, TCP_ACK);
    expect_that(ack.ack, ==, peer.seq);
    expect_that(ack.seq, ==, peer.connection->recovery.snd_nxt);
    peer_hear_nothing(&peer);
}

TEST(states_are_all_reached)
{
    for (enum tcp_state state = TCP_SYN_SENT; state <= TCP_LAST_ACK; state++) {
        reach(state);
        peer_close(&peer);
    }
    /* LISTEN and SYN-RECEIVED of a passive open are records of their own, and so is TIME-WAIT. */
    reach(TCP_FIN_WAIT_2);
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    expect_that(peer_state(&peer), ==, TCP_TIME_WAIT);
    expect_that(tcp_core_statistics(peer.core)->time_wait_count, ==, 1);
    peer_close(&peer);
}

/* ---- RST: 3.10.7.4 second check, RFC 5961 3.2 ---- */

TEST(states_end_with_a_reset_at_the_next_number)
{
    for (size_t i = 0; i < LENGTH_OF(synchronized); i++) {
        reach(synchronized[i]);
        peer_say_at(&peer, TCP_RST, peer.seq, 0, nothing);
        expect_that(peer_state(&peer), ==, TCP_CLOSED);
        /* CLOSING and LAST-ACK have nothing to lose here. */
        bool is_quiet = synchronized[i] == TCP_CLOSING || synchronized[i] == TCP_LAST_ACK;
        expect_that(tcp_connection_failure(peer.connection), ==, is_quiet ? OK : FAILED);
        expect_that((peer_events(&peer) & TCP_EVENT_FAILED) != 0, ==, !is_quiet);
        peer_hear_nothing(&peer);
        peer_close(&peer);
    }
}

TEST(states_challenge_a_reset_in_the_window)
{
    for (size_t i = 0; i < LENGTH_OF(synchronized); i++) {
        reach(synchronized[i]);
        peer_say_at(&peer, TCP_RST, peer.seq + 1, 0, nothing);
        expect_that(peer_state(&peer), ==, synchronized[i]);
        expect_challenge();
        peer_close(&peer);
    }
}

TEST(states_ignore_a_reset_outside_the_window)
{
    for (size_t i = 0; i < LENGTH_OF(synchronized); i++) {
        reach(synchronized[i]);
        peer_say_at(&peer, TCP_RST, peer.seq - 1, 0, nothing);
        peer_say_at(&peer, TCP_RST, peer.seq + 10000000, 0, nothing);
        expect_that(peer_state(&peer), ==, synchronized[i]);
        peer_hear_nothing(&peer);
        peer_close(&peer);
    }
}

TEST(states_refuse_with_a_reset_in_syn_received)
{
    reach(TCP_SYN_RECEIVED);
    peer_say_at(&peer, TCP_RST, peer.seq, 0, nothing);
    expect_that(tcp_connection_failure(peer.connection), ==, REFUSED);
    peer_close(&peer);
}

/* What was sent before a reset in LAST-ACK has not come through: the user hears of that. */
TEST(states_tell_of_a_reset_that_loses_data)
{
    reach(TCP_CLOSE_WAIT);
    (void)peer_user_sends(&peer, VIEW("lost"), TCP_SEND_NOW);
    tcp_connection_shut(peer.connection);
    expect_that(peer_state(&peer), ==, TCP_LAST_ACK);
    peer_say_at(&peer, TCP_RST, peer.seq, 0, nothing);
    expect_that(tcp_connection_failure(peer.connection), ==, FAILED);
    peer_close(&peer);
}

/* ---- SYN: 3.10.7.4 fourth check, RFC 5961 4.2 ---- */

TEST(states_challenge_a_syn)
{
    for (size_t i = 0; i < LENGTH_OF(synchronized); i++) {
        reach(synchronized[i]);
        peer_say_at(&peer, TCP_SYN, peer.seq + 5, 0, nothing);
        expect_that(peer_state(&peer), ==, synchronized[i]);
        expect_challenge();
        peer_say_at(&peer, TCP_SYN, peer.seq - 5000, 0, nothing);
        expect_challenge();
        peer_close(&peer);
    }
}

/* RFC 5961 7: a limit for each connection by itself. */
TEST(states_limit_their_challenges)
{
    reach(TCP_ESTABLISHED);
    for (int i = 0; i < 100; i++)
        peer_say_at(&peer, TCP_SYN, peer.seq + 5, 0, nothing);
    expect_that(tcp_wire_count(peer.wire), ==, 10);
    expect_that(tcp_core_statistics(peer.core)->challenge_acks, ==, 10);
    expect_that(tcp_core_statistics(peer.core)->challenge_acks_limited, ==, 90);
    peer_hear_all(&peer);
    peer_wait(&peer, S_NS);
    peer_say_at(&peer, TCP_SYN, peer.seq + 5, 0, nothing);
    expect_challenge();
    peer_close(&peer);
}

/* ---- ACK: 3.10.7.4 fifth check, RFC 5961 5.2 ---- */

TEST(states_refuse_an_ack_of_what_was_not_sent)
{
    for (size_t i = 0; i < LENGTH_OF(synchronized); i++) {
        reach(synchronized[i]);
        uint32_t snd_nxt = peer.connection->recovery.snd_nxt;
        peer_say_at(&peer, TCP_ACK, peer.seq, snd_nxt + 1, VIEW("spoofed"));
        expect_challenge();
        struct view bytes;
        result_ignore(tcp_connection_peek(peer.connection, &bytes));
        expect(view_is_empty(bytes));
        expect_that(peer_state(&peer), ==, synchronized[i]);
        peer_close(&peer);
    }
}

TEST(states_refuse_an_ack_older_than_any_window)
{
    reach(TCP_ESTABLISHED);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss - PEER_WINDOW, VIEW("spoofed"));
    expect_challenge();
    /* One that is merely old brings its text. */
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss - PEER_WINDOW + 1, VIEW("late"));
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 4);
    peer_close(&peer);
}

TEST(states_drop_text_without_ack)
{
    reach(TCP_ESTABLISHED);
    peer_say_at(&peer, 0, peer.seq, 0, VIEW("x"));
    peer_say_at(&peer, TCP_FIN, peer.seq, 0, nothing);
    peer_hear_nothing(&peer);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_close(&peer);
}

/* 3.10.7.4, SYN-RECEIVED: another ACK gets a reset. */
TEST(states_reset_a_wrong_ack_in_syn_received)
{
    reach(TCP_SYN_RECEIVED);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 7, nothing);
    struct tcp_segment reset = peer_hear(&peer);
    expect_that(reset.flags, ==, TCP_RST);
    expect_that(reset.seq, ==, peer.iss + 7);
    expect_that(peer_state(&peer), ==, TCP_SYN_RECEIVED);
    peer_close(&peer);
}

/* ---- sequence numbers: 3.10.7.4 first check ---- */

TEST(states_acknowledge_what_is_outside_the_window)
{
    for (size_t i = 0; i < LENGTH_OF(synchronized); i++) {
        reach(synchronized[i]);
        peer_say_at(&peer, TCP_ACK, peer.seq - 3, peer.ack, VIEW("old"));
        expect_challenge();
        peer_say_at(&peer, TCP_ACK, peer.seq + 10000000, peer.ack, VIEW("far ahead"));
        expect_challenge();
        peer_close(&peer);
    }
}

/* 3.8.4: a keepalive probe lies one before the window, with a byte or without. */
TEST(states_answer_keepalive_probes)
{
    reach(TCP_ESTABLISHED);
    peer_say_at(&peer, TCP_ACK, peer.seq - 1, peer.ack, nothing);
    expect_challenge();
    peer_say_at(&peer, TCP_ACK, peer.seq - 1, peer.ack, VIEW("\0"));
    expect_challenge();
    peer_close(&peer);
}

/* ---- FIN: 3.10.7.4 eighth check ---- */

TEST(states_take_a_fin)
{
    static const struct {
        enum tcp_state before, after;
    } cases[] = {
        { TCP_ESTABLISHED, TCP_CLOSE_WAIT },
        { TCP_FIN_WAIT_1, TCP_CLOSING },
        { TCP_FIN_WAIT_2, TCP_TIME_WAIT },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        reach(cases[i].before);
        uint32_t ack = cases[i].before == TCP_FIN_WAIT_1 ? peer.ack - 1 : peer.ack;
        peer_say_at(&peer, TCP_ACK | TCP_FIN, peer.seq, ack, nothing);
        expect_that(peer_state(&peer), ==, cases[i].after);
        expect_that(peer_hear(&peer).ack, ==, peer.seq + 1);
        expect((peer_events(&peer) & TCP_EVENT_READABLE) != 0);
        struct view bytes;
        expect_result(tcp_connection_peek(peer.connection, &bytes), CLOSED);
        peer_close(&peer);
    }
}

/* A FIN that acknowledges ours: straight to TIME-WAIT. */
TEST(states_take_a_fin_that_acknowledges_ours)
{
    reach(TCP_FIN_WAIT_1);
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    expect_that(peer_state(&peer), ==, TCP_TIME_WAIT);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    peer_close(&peer);
}

TEST(states_acknowledge_a_fin_that_comes_again)
{
    static const enum tcp_state states[] = { TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK };
    for (size_t i = 0; i < LENGTH_OF(states); i++) {
        reach(states[i]);
        peer_say_at(&peer, TCP_ACK | TCP_FIN, peer.seq - 1, peer.ack, nothing);
        expect_challenge();
        expect_that(peer_state(&peer), ==, states[i]);
        peer_close(&peer);
    }
}

/* A FIN waits for what is missing before it, and bytes behind it are no bytes. */
TEST(states_take_a_fin_in_order)
{
    reach(TCP_ESTABLISHED);
    uint32_t start = peer.seq;
    peer_say_at(&peer, TCP_ACK | TCP_FIN, start + 4, peer.ack, VIEW("5678"));
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    expect_that(peer_hear(&peer).ack, ==, start);
    peer_say_at(&peer, TCP_ACK, start + 8, peer.ack, VIEW("behind the end"));
    peer_say_at(&peer, TCP_ACK, start, peer.ack, VIEW("1234"));
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    peer_hear_all(&peer);
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 8);
    expect_that(result, ==, CLOSED);
    expect_that(peer.connection->rcv_nxt, ==, start + 9);
    peer_close(&peer);
}

/* 3.10.7.4 seventh: behind the peer's FIN there is no text. */
TEST(states_ignore_text_behind_a_fin)
{
    reach(TCP_CLOSE_WAIT);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack, VIEW("more"));
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 0);
    expect_that(result, ==, CLOSED);
    peer_close(&peer);
}

/* ---- urgent data: RFC 6093 6; URGENT/11 ---- */

TEST(states_take_urgent_data_in_line)
{
    static const uint16_t pointers[] = { 0, 1, 3, 4, 1000, UINT16_MAX };
    reach(TCP_ESTABLISHED);
    for (size_t i = 0; i < LENGTH_OF(pointers); i++) {
        struct tcp_segment segment = {
            .seq = peer.seq,
            .ack = peer.ack,
            .flags = TCP_ACK | TCP_URG,
            .urgent = pointers[i],
            .window = PEER_WINDOW,
        };
        peer_say_raw(&peer, &segment, VIEW("abc"));
        peer.seq += 3;
        struct view bytes;
        expect_ok(tcp_connection_peek(peer.connection, &bytes));
        expect_view(bytes, VIEW("abc"));
        tcp_connection_consume(peer.connection, 3);
    }
    peer_close(&peer);
}

/* ---- PAWS: RFC 7323 5 ---- */

static void reach_with_timestamps(void)
{
    peer_open_default(&peer);
    peer.timestamps = true;
    peer_reach(&peer, TCP_ESTABLISHED);
}

TEST(states_reject_segments_from_before)
{
    reach_with_timestamps();
    peer.ts_value = 4999;
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack, VIEW("old"));
    expect_challenge();
    expect_that(tcp_core_statistics(peer.core)->paws_rejected, ==, 1);
    peer.ts_value = 5000;
    peer_say(&peer, TCP_ACK, VIEW("now"));
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 3);
    peer_close(&peer);
}

/* RFC 7323 5.2: a reset is not subject to it. */
TEST(states_take_a_reset_whatever_its_timestamp)
{
    reach_with_timestamps();
    peer.ts_value = 1;
    peer_say_at(&peer, TCP_RST, peer.seq, 0, nothing);
    expect_that(peer_state(&peer), ==, TCP_CLOSED);
    peer_close(&peer);
}

/* RFC 7323 5.5: after 24 days of silence the last timestamp says nothing. */
TEST(states_forget_a_timestamp_after_24_days)
{
    reach_with_timestamps();
    peer_wait(&peer, (uint64_t)25 * 24 * 3600 * S_NS);
    peer_hear_all(&peer);
    peer.ts_value = 3;
    peer_say(&peer, TCP_ACK, VIEW("now"));
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 3);
    peer_close(&peer);
}

/* RFC 7323 3.2: who has agreed to timestamps sends them. */
TEST(states_drop_segments_without_timestamp)
{
    reach_with_timestamps();
    peer.timestamps = false;
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack, VIEW("bare"));
    peer_hear_nothing(&peer);
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 0);
    peer_close(&peer);
}

/* RFC 7323 4.3: the timestamp that is echoed is that of the segment which the acknowledgement was
 * put off for, not of one ahead of a hole. */
TEST(states_echo_the_right_timestamp)
{
    reach_with_timestamps();
    peer.ts_value = 6000;
    peer_say(&peer, TCP_ACK, VIEW("a"));
    peer.ts_value = 7000;
    peer_say_at(&peer, TCP_ACK, peer.seq + 10, peer.ack, VIEW("ahead"));
    expect_that(peer_hear(&peer).ts_echo, ==, 6000);
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.ts_echo, ==, 6000);
    peer_close(&peer);
}

/* ---- resets of ours ---- */

/* RFC 9293 3.10.5: ABORT; without a reset where nothing can be lost any more. */
TEST(states_abort_with_a_reset)
{
    for (size_t i = 0; i < LENGTH_OF(synchronized); i++) {
        reach(synchronized[i]);
        uint32_t snd_nxt = peer.connection->recovery.snd_nxt;
        tcp_connection_abort(peer.connection);
        peer_let_go(&peer);
        if (synchronized[i] == TCP_CLOSING || synchronized[i] == TCP_LAST_ACK) {
            peer_hear_nothing(&peer);
            peer_close(&peer);
            continue;
        }
        struct tcp_segment reset = peer_hear(&peer);
        expect_that(reset.flags & TCP_RST, ==, TCP_RST);
        expect_that(reset.seq, ==, snd_nxt);
        peer_hear_nothing(&peer);
        peer_close(&peer);
    }
}
