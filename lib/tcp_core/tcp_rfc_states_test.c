/* tcp_rfc_states_test.c - opening and closing as RFC 9293 has them, and what comes at the wrong
 * moment: the rules of its appendix B that no other test is named after.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

static struct peer peer;

static const struct view nothing;

static void open_with_timestamps(void)
{
    peer_open_default(&peer);
    peer.timestamps = true;
    peer_connect(&peer);
}

/* ---- opening ---- */

/* MUST-46: nobody can answer there. */
TEST(rfc_nobody_is_opened_to_at_a_group)
{
    static const uint8_t groups[][4] = {
        { 224, 0, 0, 1 }, { 239, 255, 255, 255 }, { 255, 255, 255, 255 }, { 0, 0, 0, 0 }
    };
    peer_open_default(&peer);
    for (size_t i = 0; i < LENGTH_OF(groups); i++) {
        struct endpoint any = { 0 };
        struct endpoint group = {
            .address = address_ipv4(groups[i][0], groups[i][1], groups[i][2], groups[i][3]),
            .port = 80,
        };
        struct tcp_connection *connection;
        expect_result(tcp_connection_open(peer.core, &any, &group, &peer.user, &connection),
                      UNREACHABLE);
    }
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* The same where only IP knows that an address is everybody's on a link (RFC 1122 4.2.3.10). */
TEST(rfc_nobody_is_opened_to_at_a_directed_broadcast)
{
    struct tcp_connection *connection;
    peer_open_default(&peer);
    peer.wire->hosts[0].to_many = true;
    expect_result(
        tcp_connection_open(peer.core, &peer.pair.local, &peer.pair.peer, &peer.user, &connection),
        UNREACHABLE);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* MUST-14, MUST-15, MUST-16, MUST-67: what each side says bounds what the other sends; without the
 * option 536; as little as anybody says, something. */
TEST(rfc_the_longest_segment_is_what_both_allow)
{
    static const struct {
        uint16_t mtu, mss;
        uint32_t payload;
    } cases[] = { { 1500, 1460, 1460 }, { 1500, 9000, 1460 }, { 1500, 65535, 1460 },
                  { 1500, 536, 536 },   { 1500, 0, 48 },      { 1500, 1, 48 },
                  { 1600, 1560, 1560 }, { 576, 1460, 536 } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        peer_open_default(&peer);
        peer.wire->hosts[0].mtu_bytes = cases[i].mtu;
        peer.mss = cases[i].mss;
        struct tcp_segment syn = peer_begin(&peer);
        expect_that(syn.mss, ==, cases[i].mtu - 40);
        peer_say(&peer, TCP_SYN | TCP_ACK, nothing);
        peer_hear_all(&peer);
        (void)peer_user_sends_count(&peer, 20000);
        expect_that(peer_hear(&peer).payload_bytes, ==, cases[i].payload);
        peer_close(&peer);
    }
}

TEST(rfc_without_the_option_a_segment_has_536_bytes)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    struct tcp_segment syn_ack = {
        .seq = peer.seq++,
        .ack = peer.ack,
        .flags = TCP_SYN | TCP_ACK,
        .window = 20000,
    };
    peer_say_raw(&peer, &syn_ack, nothing);
    peer_hear_all(&peer);
    (void)peer_user_sends_count(&peer, 20000);
    expect_that(peer_hear(&peer).payload_bytes, ==, 536);
    peer_close(&peer);
}

/* RFC 7323 2.2, 2.3: a SYN's window is not scaled, and no shift is over 14. */
TEST(rfc_a_shift_over_14_counts_as_14)
{
    peer_open_default(&peer);
    peer.window_scale = true;
    peer.wind_shift = 200;
    peer_connect(&peer);
    expect_that(peer.connection->snd_wind_shift, ==, 14);
    expect_that(peer.connection->snd_wnd, ==, PEER_WINDOW);
    peer.window = 3;
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer.connection->snd_wnd, ==, 3 << 14);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.2: text of a SYN that waits for its answer may come again; the SYN alone is
 * acknowledged. */
TEST(rfc_text_of_a_syn_is_not_lost)
{
    peer_open_default(&peer);
    peer_listen(&peer);
    uint32_t irs = peer.seq;
    peer_say_at(&peer, TCP_SYN, irs, 0, VIEW("early"));
    struct tcp_wire_record syn_ack;
    expect(tcp_wire_take(peer.wire, &syn_ack));
    expect_that(syn_ack.segment.flags, ==, TCP_SYN | TCP_ACK);
    expect_that(syn_ack.segment.ack, ==, irs + 1);
    peer_say_at(&peer, TCP_ACK, irs + 1, syn_ack.segment.seq + 1, VIEW("early"));
    peer_take(&peer);
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 5);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.4: the acknowledgement that completes a passive open may carry the end too. */
TEST(rfc_the_completing_acknowledgement_may_carry_text_and_fin)
{
    peer_open_default(&peer);
    peer_listen(&peer);
    peer_say(&peer, TCP_SYN, nothing);
    (void)peer_hear_syn_ack(&peer);
    peer_say(&peer, TCP_ACK | TCP_FIN | TCP_PSH, VIEW("all"));
    peer_take(&peer);
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 3);
    expect_that(result, ==, CLOSED);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.4, second: a reset takes a passive open back to LISTEN (MUST-11), where the next
 * SYN finds it. */
TEST(rfc_a_reset_in_syn_received_goes_back_to_listen)
{
    peer_open_default(&peer);
    peer_listen(&peer);
    for (int i = 0; i < 3; i++) {
        uint32_t irs = peer.seq + (uint32_t)i * 1000;
        peer_say_at(&peer, TCP_SYN, irs, 0, nothing);
        struct tcp_wire_record syn_ack;
        expect(tcp_wire_take(peer.wire, &syn_ack));
        expect_that(syn_ack.segment.flags, ==, TCP_SYN | TCP_ACK);
        expect_that(syn_ack.segment.ack, ==, irs + 1);
        peer_say_at(&peer, TCP_RST, irs + 1, 0, nothing);
        expect_that(tcp_core_statistics(peer.core)->syn_count, ==, 0);
    }
    peer_wait(&peer, 100 * S_NS);
    peer_hear_nothing(&peer);
    peer_close(&peer);
}

/* RFC 3168 6.1.1: who has heard a SYN without the offer SHOULD NOT mark its data, whatever the SYN
 * before said: the path may have swallowed that one for its offer. */
TEST(rfc_a_repeated_syn_takes_its_offer_of_ecn_back)
{
    peer_open_default(&peer);
    peer_listen(&peer);
    struct tcp_wire_record syn_ack;
    peer_say_at(&peer, TCP_SYN | TCP_ECE | TCP_CWR, peer.seq, 0, nothing);
    expect(tcp_wire_take(peer.wire, &syn_ack));
    expect_that(syn_ack.segment.flags, ==, TCP_SYN | TCP_ACK | TCP_ECE);
    expect_that(syn_ack.ecn, ==, IP_ECN_NOT_ECT);
    peer_wait(&peer, 500 * MS_NS);
    peer_say(&peer, TCP_SYN, nothing);
    expect(tcp_wire_take(peer.wire, &syn_ack));
    expect_that(syn_ack.segment.flags, ==, TCP_SYN | TCP_ACK);
    peer_say_at(&peer, TCP_ACK, peer.seq, syn_ack.segment.seq + 1, nothing);
    peer_take(&peer);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    struct tcp_wire_record data;
    expect(tcp_wire_take(peer.wire, &data));
    expect_that(data.ecn, ==, IP_ECN_NOT_ECT);
    peer_close(&peer);
}

/* RFC 9293 3.5: our ACK was lost, and the peer repeats its SYN-ACK. */
TEST(rfc_a_repeated_syn_ack_is_acknowledged)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer_say_at(&peer, TCP_SYN | TCP_ACK, peer.seq - 1, peer.ack, nothing);
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.flags, ==, TCP_ACK);
    expect_that(ack.ack, ==, peer.seq);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_close(&peer);
}

/* RFC 9293 3.5.1, figure 10: the peer has crashed and opens anew; we answer with what we expect,
 * it resets, and opens. */
TEST(rfc_a_half_open_connection_is_found)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer_say_at(&peer, TCP_SYN, peer.seq - 100000, 0, nothing);
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.flags, ==, TCP_ACK);
    expect_that(ack.seq, ==, peer.iss + 1);
    expect_that(ack.ack, ==, peer.seq);
    peer_say_at(&peer, TCP_RST, ack.ack, 0, nothing);
    expect_that(tcp_connection_failure(peer.connection), ==, FAILED);
    peer_close(&peer);
}

/* ---- errors: RFC 9293 3.9.2.2 ---- */

/* MUST-54, MUST-56, RFC 5927 4.1: no error ends a connection that stands; SHLD-25: who
 * gives up in the end knows why, unless the peer has been heard since. */
TEST(rfc_soft_errors_are_told_in_the_end)
{
    for (int heard = 0; heard < 2; heard++) {
        peer_open_default(&peer);
        peer_connect(&peer);
        (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
        for (int kind = IP_ERROR_HOST_UNREACHABLE; kind <= IP_ERROR_PARAMETER; kind++)
            tcp_wire_error(peer.wire, &peer.pair, peer.iss + 1, (enum ip_error_kind)kind);
        expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
        expect_that(tcp_connection_failure(peer.connection), ==, OK);
        if (heard == 1) peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1, VIEW("still here"));
        peer_wait(&peer, 400 * S_NS);
        expect_that(tcp_connection_failure(peer.connection), ==,
                    heard == 1 ? TIMED_OUT : UNREACHABLE);
        peer_close(&peer);
    }
}

/* ---- resets ---- */

/* SHLD-2: a reset may carry text. */
TEST(rfc_a_reset_may_carry_text)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer_say_at(&peer, TCP_RST | TCP_ACK, peer.seq, peer.ack, VIEW("no such service"));
    expect_that(tcp_connection_failure(peer.connection), ==, FAILED);
    peer_close(&peer);
}

/* MUST-66: with its window closed a connection still hears resets, and challenges those beside. */
TEST(rfc_a_reset_is_heard_with_a_closed_window)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    for (int i = 0; i < 1000 && tcp_receive_window_bytes(&peer.connection->receive_window,
                                                         peer.connection->rcv_nxt) > 0;
         i++) {
        uint32_t room = tcp_receive_window_bytes(&peer.connection->receive_window,
                                                 peer.connection->rcv_nxt);
        peer_say_bytes(&peer, TCP_ACK, MIN(room, 1000));
        tcp_wire_forget(peer.wire);
    }
    peer_say_at(&peer, TCP_RST, peer.seq + 1, 0, nothing);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_say_at(&peer, TCP_ACK | TCP_URG, peer.seq, peer.ack, nothing);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_say_at(&peer, TCP_RST, peer.seq, 0, nothing);
    expect_that(tcp_connection_failure(peer.connection), ==, FAILED);
    peer_close(&peer);
}

/* RFC 7323 3.2: SHOULD be in a reset too, once agreed on. */
TEST(rfc_our_reset_carries_timestamps)
{
    open_with_timestamps();
    tcp_connection_abort(peer.connection);
    peer_let_go(&peer);
    struct tcp_segment reset = peer_hear(&peer);
    expect_that(reset.flags, ==, TCP_RST | TCP_ACK);
    expect_that(reset.seq, ==, peer.iss + 1);
    expect_that(reset.ack, ==, peer.seq);
    expect(segment_has(&reset, TCP_OPTION_TIMESTAMPS));
    expect_that(reset.ts_echo, ==, peer.ts_value);
    peer_close(&peer);
}

/* A reset goes to where the peer's window lets it be believed, should that have shrunk. */
TEST(rfc_our_reset_is_within_the_peers_window)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 5000);
    peer_hear_all(&peer);
    peer.window = 2000;
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1 + 1000, nothing);
    peer_hear_all(&peer);
    tcp_connection_abort(peer.connection);
    peer_let_go(&peer);
    struct tcp_segment reset = peer_hear(&peer);
    expect_that(reset.flags & TCP_RST, ==, TCP_RST);
    expect_that(reset.seq - peer.iss - 1, <=, 3000);
    peer_close(&peer);
}

/* ---- closing ---- */

/* MUST-13 and figure 13: both FINs cross; 2 MSL on both sides. */
TEST(rfc_both_close_at_once)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    tcp_connection_shut(peer.connection);
    struct tcp_segment fin = peer_hear(&peer);
    expect_that(fin.flags, ==, TCP_FIN | TCP_ACK);
    peer_say_at(&peer, TCP_FIN | TCP_ACK, peer.seq, fin.seq, nothing);
    expect_that(peer_state(&peer), ==, TCP_CLOSING);
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.flags & ~(unsigned)TCP_FIN, ==, TCP_ACK);
    expect_that(ack.ack, ==, peer.seq + 1);
    peer_say_at(&peer, TCP_ACK, peer.seq + 1, fin.seq + 1, nothing);
    expect_that(peer_state(&peer), ==, TCP_TIME_WAIT);
    expect_that(tcp_core_statistics(peer.core)->time_wait_count, ==, 1);
    peer_wait(&peer, 59 * S_NS);
    expect_that(tcp_core_statistics(peer.core)->time_wait_count, ==, 1);
    peer_wait(&peer, 2 * S_NS);
    expect_that(tcp_core_statistics(peer.core)->time_wait_count, ==, 0);
    peer_close(&peer);
}

/* RFC 9293 3.6, case 2: half closed, the other half goes on both ways of looking at it. */
TEST(rfc_one_half_is_closed_and_the_other_goes_on)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("request"), TCP_SEND_NOW);
    tcp_connection_shut(peer.connection);
    expect_that(peer_hear(&peer).payload_bytes, ==, 7);
    expect_that(peer_hear(&peer).flags & TCP_FIN, ==, TCP_FIN);
    peer_say(&peer, TCP_ACK, nothing);
    expect_that(peer_state(&peer), ==, TCP_FIN_WAIT_2);
    for (int i = 0; i < 5; i++) {
        peer_say_bytes(&peer, TCP_ACK, PEER_MSS);
        peer_wait(&peer, S_NS);
        struct tcp_segment ack = peer_hear(&peer);
        expect_that(ack.ack, ==, peer.seq);
        peer_hear_nothing(&peer);
    }
    peer_say(&peer, TCP_ACK | TCP_FIN, VIEW("last"));
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 5 * PEER_MSS + 4);
    expect_that(result, ==, CLOSED);
    expect_that(peer_hear(&peer).ack, ==, peer.seq);
    peer_close(&peer);
}

/* SHLD-3, RFC 2525 2.17: what was not read is said to be lost, after the peer's FIN too. */
TEST(rfc_a_close_that_loses_text_resets_in_close_wait)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer_say(&peer, TCP_ACK | TCP_FIN, VIEW("unread"));
    peer_hear_all(&peer);
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    tcp_connection_close(peer.connection);
    peer_let_go(&peer);
    expect_that(peer_hear(&peer).flags & TCP_RST, ==, TCP_RST);
    peer_close(&peer);
}

/* RFC 9293 3.10.7.4, eighth: the FIN of a lost last segment is taken only when the text before it
 * has come. */
TEST(rfc_a_fin_waits_for_the_text_before_it)
{
    peer_open_default(&peer);
    peer.sack_permitted = true;
    peer_connect(&peer);
    peer_say_at(&peer, TCP_ACK | TCP_FIN, peer.seq + 5, peer.ack, VIEW("world"));
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.ack, ==, peer.seq);
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    peer_hear_all(&peer);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack, VIEW("hello"));
    expect_that(peer_hear(&peer).ack, ==, peer.seq + 11);
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    peer_close(&peer);
}

static void expect_block(const struct tcp_segment *ack, size_t i, uint32_t start, uint32_t end)
{
    expect_that(i, <, ack->sack_count);
    expect_that(ack->sack[i].start, ==, start);
    expect_that(ack->sack[i].end, ==, end);
}

/* RFC 2018 3: the number of a FIN that has come ahead of a hole is told of like text; behind the
 * text that it came with, */
TEST(rfc_a_fin_with_text_ahead_of_a_hole_is_told_of)
{
    peer_open_default(&peer);
    peer.sack_permitted = true;
    peer_connect(&peer);
    uint32_t start = peer.seq;
    peer_say_at(&peer, TCP_ACK | TCP_FIN, start + 5, peer.ack, VIEW("world"));
    peer_hear_all(&peer);
    peer_say_at(&peer, TCP_ACK, start + 2, peer.ack, VIEW("l")); /* all is told of again */
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.sack_count, ==, 2);
    expect_block(&ack, 0, start + 2, start + 3);
    expect_block(&ack, 1, start + 5, start + 11);
    /* What came twice did not have it. */
    peer_say_at(&peer, TCP_ACK, start + 5, peer.ack, VIEW("world"));
    ack = peer_hear(&peer);
    expect_that(ack.sack_count, ==, 3);
    expect_block(&ack, 0, start + 5, start + 10);
    expect_block(&ack, 1, start + 5, start + 11);
    expect_block(&ack, 2, start + 2, start + 3);
    peer_say_at(&peer, TCP_ACK, start, peer.ack, VIEW("hello"));
    ack = peer_hear(&peer);
    expect_that(ack.ack, ==, start + 11);
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    peer_close(&peer);
}

/* by itself, first where it is what came (4), and at once; */
TEST(rfc_a_fin_alone_ahead_of_a_hole_is_told_of)
{
    for (int without = 0; without < 2; without++) {
        peer_open_default(&peer);
        peer.sack_permitted = without == 0;
        peer_connect(&peer);
        uint32_t start = peer.seq;
        peer_say_at(&peer, TCP_ACK, start + 2, peer.ack, VIEW("l"));
        peer_hear_all(&peer);
        peer_say_at(&peer, TCP_ACK | TCP_FIN, start + 10, peer.ack, nothing);
        struct tcp_segment ack = peer_hear(&peer);
        expect_that(ack.ack, ==, start);
        expect_that(ack.sack_count, ==, without == 0 ? 2 : 0);
        if (without == 0) {
            expect_block(&ack, 0, start + 10, start + 11);
            expect_block(&ack, 1, start + 2, start + 3);
        }
        peer_hear_nothing(&peer);
        peer_say_at(&peer, TCP_ACK, start + 4, peer.ack, VIEW("o"));
        ack = peer_hear(&peer);
        if (without == 0) {
            expect_that(ack.sack_count, ==, 3);
            expect_block(&ack, 0, start + 4, start + 5);
            expect_block(&ack, 1, start + 2, start + 3);
            expect_block(&ack, 2, start + 10, start + 11);
        }
        peer_say_at(&peer, TCP_ACK, start, peer.ack, VIEW("helloworld"));
        expect_that(peer_hear(&peer).ack, ==, start + 11);
        expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
        peer_close(&peer);
    }
}

/* and as the end of the piece before it, which is then the first, however many there are. */
TEST(rfc_a_fin_behind_a_piece_is_told_of)
{
    peer_open_default(&peer);
    peer.sack_permitted = peer.timestamps = true;
    peer_connect(&peer);
    uint32_t start = peer.seq;
    for (uint32_t n = 5; n > 0; n--)
        peer_say_at(&peer, TCP_ACK, start + 2 * n, peer.ack, VIEW("x"));
    peer_hear_all(&peer);
    peer_say_at(&peer, TCP_ACK | TCP_FIN, start + 11, peer.ack, nothing);
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.sack_count, ==, 3);
    expect_block(&ack, 0, start + 10, start + 12);
    expect_block(&ack, 1, start + 2, start + 3);
    peer_close(&peer);
    /* Alone, where there is room for no more, it takes the place of the oldest. */
    peer_open_default(&peer);
    peer.sack_permitted = peer.timestamps = true;
    peer_connect(&peer);
    start = peer.seq;
    for (uint32_t n = 1; n <= 4; n++)
        peer_say_at(&peer, TCP_ACK, start + 2 * n, peer.ack, VIEW("x"));
    peer_hear_all(&peer);
    peer_say_at(&peer, TCP_ACK | TCP_FIN, start + 20, peer.ack, nothing);
    ack = peer_hear(&peer);
    expect_that(ack.sack_count, ==, 3);
    expect_block(&ack, 0, start + 20, start + 21);
    expect_block(&ack, 1, start + 8, start + 9);
    expect_block(&ack, 2, start + 6, start + 7);
    peer_close(&peer);
}

/* ---- text ---- */

/* SHLD-31, MAY-13, RFC 5681 4.2: out of order is acknowledged at once, each, and what fills the
 * hole at once too; RFC 2018 4, RFC 2883 4: with what has come. */
TEST(rfc_text_out_of_order_is_told_of_at_once)
{
    peer_open_default(&peer);
    peer.sack_permitted = true;
    peer_connect(&peer);
    peer.connection->quick_acks = 0;
    static const uint8_t zeros[PEER_MSS];
    uint32_t start = peer.seq;
    for (uint32_t n = 1; n <= 3; n++) {
        peer_say_at(&peer, TCP_ACK, start + n * PEER_MSS, peer.ack, VIEW_OF(zeros));
        struct tcp_segment ack = peer_hear(&peer);
        expect_that(ack.ack, ==, start);
        expect_that(ack.sack_count, ==, 1);
        expect_that(ack.sack[0].start - start, ==, PEER_MSS);
        expect_that(ack.sack[0].end - start, ==, (n + 1) * PEER_MSS);
        peer_hear_nothing(&peer);
    }
    peer_say_at(&peer, TCP_ACK, start, peer.ack, VIEW_OF(zeros));
    struct tcp_segment ack = peer_hear(&peer);
    expect_that(ack.ack - start, ==, 4 * PEER_MSS);
    expect_that(ack.sack_count, ==, 0);
    peer_hear_nothing(&peer);
    /* Once more: a duplicate, which is told of at once. */
    peer_say_at(&peer, TCP_ACK, start, peer.ack, VIEW_OF(zeros));
    ack = peer_hear(&peer);
    expect_that(ack.ack - start, ==, 4 * PEER_MSS);
    expect_that(ack.sack_count, ==, 1);
    expect_that(ack.sack[0].start - start, ==, 0);
    expect_that(ack.sack[0].end - start, ==, PEER_MSS);
    peer_close(&peer);
}

/* SHLD-19, and nothing for the first of two: every second full-sized segment. */
TEST(rfc_every_second_full_segment_is_acknowledged)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer.connection->quick_acks = 0;
    for (int i = 0; i < 10; i++) {
        peer_say_bytes(&peer, TCP_ACK, PEER_MSS);
        peer_hear_nothing(&peer);
        peer_say_bytes(&peer, TCP_ACK, PEER_MSS);
        expect_that(peer_hear(&peer).ack, ==, peer.seq);
        peer_hear_nothing(&peer);
    }
    peer_close(&peer);
}

/* And so where the path is narrow and options take their share. */
TEST(rfc_every_second_full_segment_of_a_narrow_path_is_acknowledged)
{
    peer_open_default(&peer);
    peer.wire->hosts[0].mtu_bytes = 300;
    peer.timestamps = true;
    peer_connect(&peer);
    peer.connection->quick_acks = 0;
    for (int i = 0; i < 10; i++) {
        peer_say_bytes(&peer, TCP_ACK, 300 - 40 - 12);
        peer_hear_nothing(&peer);
        peer_say_bytes(&peer, TCP_ACK, 300 - 40 - 12);
        expect_that(peer_hear(&peer).ack, ==, peer.seq);
    }
    peer_close(&peer);
}

/* MUST-61: the last segment of what was handed over is pushed, those before are not. */
TEST(rfc_the_last_segment_is_pushed)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 3000);
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK);
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK);
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK | TCP_PSH);
    peer_close(&peer);
}

/* MUST-30, MUST-31, RFC 6093 6: urgent text is text, wherever the pointer points. */
TEST(rfc_urgent_text_is_in_line)
{
    static const uint16_t pointers[] = { 0, 1, 3, 6, 7, 1000, 65535 };
    peer_open_default(&peer);
    peer_connect(&peer);
    for (size_t i = 0; i < LENGTH_OF(pointers); i++) {
        struct tcp_segment segment = {
            .seq = peer.seq,
            .ack = peer.ack,
            .flags = TCP_ACK | TCP_URG,
            .window = peer.window,
            .urgent = pointers[i],
        };
        peer_say_raw(&peer, &segment, VIEW("urgent"));
        peer.seq += 6;
        enum result result;
        expect_that(peer_user_reads(&peer, &result), ==, 6);
    }
    peer_close(&peer);
}

/* RFC 9293 3.8.6: MUST-1, windows are unsigned: 65,535 is large. */
TEST(rfc_windows_are_unsigned)
{
    peer_open_default(&peer);
    peer.window = 65535;
    peer_connect(&peer);
    expect_that(peer.connection->snd_wnd, ==, 65535);
    peer_close(&peer);
}

/* SHLD-16, SHLD-17: a window that shrinks below what is in flight: what is within it goes again,
 * and the connection is not given up. */
TEST(rfc_a_window_that_shrinks_ends_nothing)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends_count(&peer, 5000);
    peer_hear_all(&peer);
    for (int i = 0; i < 400; i++) {
        peer.window = 1000;
        peer_say_at(&peer, TCP_ACK, peer.seq, peer.iss + 1, nothing);
        peer_wait(&peer, S_NS / 2);
    }
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    struct tcp_segment again = peer_hear(&peer);
    expect_that(again.seq, ==, peer.iss + 1);
    expect_that(again.payload_bytes, ==, 1000);
    peer_close(&peer);
}

/* ---- blind strangers: RFC 5961 ---- */

/* 3.2, 4.2, 5.2 in every synchronized state: an ACK, and nothing else changes. */
TEST(rfc_blind_segments_are_challenged_in_every_state)
{
    for (int state = TCP_ESTABLISHED; state <= TCP_LAST_ACK; state++) {
        peer_open_default(&peer);
        peer_reach(&peer, (enum tcp_state)state);
        uint32_t rcv_nxt = peer.connection->rcv_nxt;
        uint32_t snd_una = peer.connection->recovery.snd_una;
        uint32_t snd_nxt = peer.connection->recovery.snd_nxt;
        const struct {
            unsigned flags;
            uint32_t seq, ack;
        } blind[] = {
            { TCP_RST, rcv_nxt + 1, 0 },
            { TCP_RST | TCP_ACK, rcv_nxt + 100, snd_nxt },
            { TCP_SYN, rcv_nxt, 0 },
            { TCP_SYN | TCP_ACK, rcv_nxt + 10, snd_nxt },
            { TCP_SYN, rcv_nxt - 100000, 0 },
            { TCP_ACK, rcv_nxt, snd_nxt + 1 },
            { TCP_ACK, rcv_nxt, snd_una - 1000000 },
        };
        for (size_t i = 0; i < LENGTH_OF(blind); i++) {
            peer_say_at(&peer, blind[i].flags, blind[i].seq, blind[i].ack, nothing);
            struct tcp_wire_record challenge;
            expect(tcp_wire_take(peer.wire, &challenge));
            expect_that(challenge.segment.flags, ==, TCP_ACK);
            expect_that(challenge.segment.seq, ==, snd_nxt);
            expect_that(challenge.segment.ack, ==, rcv_nxt);
            peer_hear_nothing(&peer);
            expect_that(peer_state(&peer), ==, state);
        }
        peer_close(&peer);
    }
}

/* Text whose acknowledgement is of what was never sent is not taken (5.2). */
TEST(rfc_text_with_a_wrong_acknowledgement_is_not_taken)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack + 70000, VIEW("blind"));
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack - 70000, VIEW("blind"));
    enum result result;
    expect_that(peer_user_reads(&peer, &result), ==, 0);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack, VIEW("text"));
    expect_that(peer_user_reads(&peer, &result), ==, 4);
    peer_close(&peer);
}
