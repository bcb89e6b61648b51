/* tcp_close_test.c - how connections end (RFC 9293 3.6, RFC 1122 4.2.2.13, RFC 2525 2.17).
 *
 * SPDX-License-Identifier: ISC */
#include "target/memory.h"
#include "tcp_core/tcp_peer_suite.h"

static struct peer peer;

static const struct view nothing;

static void close_user(void)
{
    tcp_connection_close(peer.connection);
    peer_let_go(&peer);
}

/* RFC 9293 3.6, figure 12. */
TEST(close_by_us)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    close_user();
    struct tcp_segment fin = peer_hear(&peer);
    expect_that(fin.flags, ==, TCP_ACK | TCP_FIN);
    peer_say(&peer, TCP_ACK, nothing);
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    expect_that(tcp_core_statistics(peer.core)->time_wait_count, ==, 1);
    /* The peer has not seen the last ACK. */
    peer_say_at(&peer, TCP_ACK | TCP_FIN, peer.seq - 1, peer.ack, nothing);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    peer_close(&peer);
}

TEST(close_by_the_peer)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    expect_that(peer_events(&peer) & TCP_EVENT_READABLE, ==, TCP_EVENT_READABLE);
    close_user();
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK | TCP_FIN);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    expect_that(tcp_core_statistics(peer.core)->time_wait_count, ==, 0);
    peer_close(&peer);
}

/* RFC 9293 3.6, figure 13. */
TEST(close_by_both)
{
    peer_open_default(&peer);
    peer_reach(&peer, TCP_CLOSING);
    tcp_connection_close(peer.connection);
    peer_let_go(&peer);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    expect_that(tcp_core_statistics(peer.core)->time_wait_count, ==, 1);
    peer_close(&peer);
}

/* RFC 9293 3.6, case 1: we are done, and still read. */
TEST(close_one_half)
{
    peer_open_default(&peer);
    peer_reach(&peer, TCP_FIN_WAIT_2);
    for (int i = 0; i < 5; i++)
        peer_say_bytes(&peer, TCP_ACK, 1000);
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 5000);
    expect_that(result, ==, OK);
    /* For as long as the user likes: only who is nobody's has a limit. */
    peer_wait(&peer, 3600 * S_NS);
    expect_that(peer_state(&peer), ==, TCP_FIN_WAIT_2);
    size_t taken_bytes;
    struct view more = VIEW("more");
    expect_result(tcp_connection_send(peer.connection, &more, 1, TCP_SEND_NOW, &taken_bytes),
                  CLOSED);
    peer_close(&peer);
}

/* Case 2: the peer is done, and still reads. */
TEST(close_the_other_half)
{
    peer_open_default(&peer);
    peer_reach(&peer, TCP_CLOSE_WAIT);
    expect_that(peer_user_sends(&peer, VIEW("still"), TCP_SEND_NOW), ==, 5);
    expect_that(peer_hear(&peer).payload_bytes, ==, 5);
    peer_close(&peer);
}

/* What the peer sent before its end is read after the connection is no more. */
TEST(close_leaves_what_has_come)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    tcp_connection_shut(peer.connection);
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK | TCP_FIN, VIEW("last words"));
    expect_that(peer_state(&peer), ==, TCP_TIME_WAIT);
    peer_wait(&peer, 100 * S_NS);
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 10);
    expect_that(result, ==, CLOSED);
    peer_close(&peer);
}

/* RFC 2525 2.17: who closes with bytes unread says so by a reset. */
TEST(close_with_unread_bytes_resets)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer_say(&peer, TCP_ACK, VIEW("unread"));
    peer_hear_all(&peer);
    close_user();
    expect_that(peer_hear(&peer).flags & TCP_RST, ==, TCP_RST);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    peer_close(&peer);
}

/* RFC 1122 4.2.2.13: bytes that come after close get a reset too. */
TEST(close_resets_what_comes_later)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    close_user();
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK, VIEW("too late"));
    expect_that(peer_hear(&peer).flags & TCP_RST, ==, TCP_RST);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    peer_close(&peer);
}

/* What was handed over goes before the FIN. */
TEST(close_sends_what_waits)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    expect_that(peer_user_sends_count(&peer, 30500), ==, 30500);
    close_user();
    uint32_t start = peer.iss + 1;
    for (int i = 0; i < 20 && peer.ack != start + 30501; i++)
        peer_acknowledge(&peer);
    expect_that(peer.ack, ==, start + 30501);
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    peer_close(&peer);
}

/* A FIN that is lost is sent again. */
TEST(close_repeats_its_fin)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    close_user();
    struct tcp_segment fin = peer_hear(&peer);
    peer_wait(&peer, 3 * S_NS);
    struct tcp_segment again = peer_hear(&peer);
    expect_that(again.seq, ==, fin.seq);
    expect_that(again.flags, ==, fin.flags);
    peer_hear_all(&peer);
    peer_close(&peer);
}

/* Who is nobody's does not wait for ever: for a FIN, an ACK, or a window. */
TEST(close_does_not_wait_for_ever)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    close_user();
    peer_hear_all(&peer);
    peer_say(&peer, TCP_ACK, nothing); /* FIN-WAIT-2 */
    peer_wait(&peer, 59 * S_NS);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 1);
    peer_wait(&peer, 2 * S_NS);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);

    peer.pair.local.port++;
    peer_connect(&peer);
    close_user();
    peer_wait(&peer, 310 * S_NS); /* FIN-WAIT-1: the user timeout */
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    expect_that(tcp_core_statistics(peer.core)->user_timeouts, ==, 1);
    peer_hear_all(&peer);

    peer.pair.local.port++;
    peer.window = 0;
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("for nobody"), TCP_SEND_NOW);
    close_user();
    for (int i = 0; i < 400; i++) { /* it answers every probe and never opens */
        peer_wait(&peer, S_NS);
        if (tcp_wire_count(peer.wire) == 0) continue;
        peer_hear_all(&peer);
        peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1, nothing);
    }
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    peer_close(&peer);
}

/* TCP_SEND_HOLD: bytes and FIN in one segment. */
TEST(close_behind_held_bytes_is_one_segment)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("answer"), TCP_SEND_HOLD);
    peer_hear_nothing(&peer);
    close_user();
    struct tcp_segment last = peer_hear(&peer);
    expect_that(last.payload_bytes, ==, 6);
    expect_that(last.flags, ==, TCP_ACK | TCP_FIN | TCP_PSH);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

TEST(close_behind_a_held_full_segment_is_one_segment)
{
    static const uint8_t bytes[2 * PEER_MSS];
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW_OF(bytes), TCP_SEND_HOLD);
    expect_that(peer_hear(&peer).payload_bytes, ==, PEER_MSS);
    peer_hear_nothing(&peer);
    close_user();
    struct tcp_segment last = peer_hear(&peer);
    expect_that(last.payload_bytes, ==, PEER_MSS);
    expect_that(last.flags, ==, TCP_ACK | TCP_FIN | TCP_PSH);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* And 200 ms at most. */
TEST(close_does_not_come_and_held_bytes_go)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("answer"), TCP_SEND_HOLD);
    peer_wait(&peer, 199 * MS_NS);
    peer_hear_nothing(&peer);
    peer_wait(&peer, 2 * MS_NS);
    expect_that(peer_hear(&peer).payload_bytes, ==, 6);
    peer_close(&peer);
}

static bool loan_is_done;

static void loan_done(struct loan *loan)
{
    expect(loan->bytes.length_bytes > 0);
    loan_is_done = true;
}

/* A loan longer than there are numbers for gets them as it goes; its end waits for them too. */
TEST(close_behind_a_loan_of_gigabytes)
{
    struct span memory;
    expect_ok(memory_take(5 * GIB, &memory));
    peer_open_default(&peer);
    peer_connect(&peer);
    struct loan loan = { .bytes = span_view(memory), .done = loan_done };
    loan_is_done = false;
    expect_ok(tcp_connection_lend(peer.connection, &loan));
    tcp_connection_shut(peer.connection);
    expect_that(peer.connection->snd_end - peer.iss - 1, ==, GIB);
    for (int i = 0; i < 8; i++) {
        while (tcp_wire_count(peer.wire) > 0)
            expect_that(peer_hear(&peer).flags & TCP_FIN, ==, 0);
        peer_say(&peer, TCP_ACK, nothing);
    }
    uint32_t unacknowledged = peer.connection->snd_end - peer.connection->recovery.snd_una;
    expect_that(unacknowledged, ==, GIB);
    expect(!loan_is_done);
    tcp_connection_abort(peer.connection);
    peer_let_go(&peer);
    expect(loan_is_done);
    peer_close(&peer);
    memory_give_back(memory);
}

/* A loan ends with its connection, however that ends. */
TEST(close_gives_loans_back)
{
    static const uint8_t lent[5000];
    for (int how = 0; how < 3; how++) {
        peer_open_default(&peer);
        peer_connect(&peer);
        struct loan loan = { .bytes = VIEW_OF(lent), .done = loan_done };
        loan_is_done = false;
        expect_ok(tcp_connection_lend(peer.connection, &loan));
        expect(!loan_is_done);
        peer_hear_all(&peer);
        if (how == 0) {
            peer_say(&peer, TCP_ACK, nothing);
        } else if (how == 1) {
            peer_say_at(&peer, TCP_RST, peer.seq, 0, nothing);
        } else {
            tcp_connection_abort(peer.connection);
            peer_let_go(&peer);
        }
        expect(loan_is_done);
        peer_close(&peer);
    }
}
