/* tcp_rfc_user_test.c - what RFC 9293 owes to the user of a connection that goes on: reports,
 * urgent data, the class of what is sent, the timeout that both sides agree on.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"
#include "tcp_core/tcp_user_timeout.h"

static struct peer peer;

static const struct view nothing;

/* ---- reports: 3.9.1.8 ---- */

static void be_told(enum ip_error_kind kind)
{
    tcp_wire_error(peer.wire, &peer.pair, peer.iss + 1, kind);
}

/* MUST-47: soft errors are told when they come, each kind as what it is (RFC 5461 2, MUST-54), and
 * once until the user has looked. */
TEST(rfc_soft_errors_are_reported)
{
    static const struct {
        enum ip_error_kind kind;
        unsigned report;
    } errors[] = {
        { IP_ERROR_HOST_UNREACHABLE, TCP_REPORT_UNREACHABLE },
        { IP_ERROR_PROTOCOL_UNREACHABLE, TCP_REPORT_REFUSED },
        { IP_ERROR_PORT_UNREACHABLE, TCP_REPORT_REFUSED },
        { IP_ERROR_DENIED, TCP_REPORT_DENIED },
        { IP_ERROR_TIME_EXCEEDED, TCP_REPORT_TIME_EXCEEDED },
        { IP_ERROR_PARAMETER, TCP_REPORT_PARAMETER },
    };
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    expect_that(tcp_connection_take_reports(peer.connection), ==, 0);
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        be_told(errors[i].kind);
        expect_that(peer_events(&peer), ==, TCP_EVENT_REPORTED);
        be_told(errors[i].kind);
        expect_that(peer_events(&peer), ==, 0);
        expect_that(tcp_connection_take_reports(peer.connection), ==, errors[i].report);
        expect_that(tcp_connection_take_reports(peer.connection), ==, 0);
    }
    expect_that(peer_state(&peer), ==, TCP_ESTABLISHED);
    expect_that(tcp_core_statistics(peer.core)->soft_errors, ==, 2 * LENGTH_OF(errors));
    peer_close(&peer);
}

/* What is too large is mended and not told; what nothing in flight can have caused is not believed
 * (RFC 5927 4.1). */
TEST(rfc_what_is_no_soft_error_is_not_reported)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    be_told(IP_ERROR_TOO_LARGE);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss + 5, IP_ERROR_HOST_UNREACHABLE);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss, IP_ERROR_HOST_UNREACHABLE);
    expect_that(peer_events(&peer), ==, 0);
    expect_that(tcp_connection_take_reports(peer.connection), ==, 0);
    peer_close(&peer);
}

/* While it is opened a router that lost the SYN on its way is no reason to give up (MUST-54). */
TEST(rfc_soft_errors_are_reported_while_opening)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    tcp_wire_error(peer.wire, &peer.pair, peer.iss, IP_ERROR_TIME_EXCEEDED);
    expect_that(peer_state(&peer), ==, TCP_SYN_SENT);
    expect_that(peer_events(&peer), ==, TCP_EVENT_REPORTED);
    expect_that(tcp_connection_take_reports(peer.connection), ==, TCP_REPORT_TIME_EXCEEDED);
    peer_close(&peer);
}

/* Who takes a connection late is told then. */
TEST(rfc_reports_wait_for_whoever_accepts)
{
    peer_open_default(&peer);
    peer_listen(&peer);
    peer_say(&peer, TCP_SYN, nothing);
    (void)peer_hear_syn_ack(&peer);
    peer_say(&peer, TCP_ACK, nothing);
    peer.connection = tcp_acceptor_take(peer.acceptor);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    be_told(IP_ERROR_DENIED);
    expect_that(peer_events(&peer), ==, 0);
    tcp_connection_attach(peer.connection, &peer.user);
    expect_that(peer_events(&peer) & TCP_EVENT_REPORTED, ==, TCP_EVENT_REPORTED);
    expect_that(tcp_connection_take_reports(peer.connection), ==, TCP_REPORT_DENIED);
    peer_close(&peer);
}

/* SHLD-9, SHLD-10, MUST-20: at R1, three times sent again in vain, and long before R2; once, until
 * something came through (MUST-22: a SYN too). */
TEST(rfc_excessive_retransmission_is_reported)
{
    for (int opening = 0; opening < 2; opening++) {
        peer_open_default(&peer);
        if (opening == 1) {
            (void)peer_begin(&peer);
        } else {
            peer_connect(&peer);
            (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
        }
        peer_hear_all(&peer);
        for (unsigned again = 0; tcp_connection_take_reports(peer.connection) == 0;) {
            expect(tcp_wire_step(peer.wire, tcp_wire_now_ns(peer.wire) + 100 * S_NS));
            again += (unsigned)tcp_wire_count(peer.wire);
            peer_hear_all(&peer);
            expect_that(again, <=, 3);
            expect_that(peer.events != 0, ==, again == 3);
        }
        expect_that(peer_events(&peer), ==, TCP_EVENT_REPORTED);
        expect_that(tcp_core_statistics(peer.core)->delivery_problems, ==, 1);
        expect_that(peer.wire->hosts[0].doubt_count, ==, 1); /* MUST-20 (b): IP is told, too */
        peer_wait(&peer, 100 * S_NS);
        expect_that(peer_events(&peer), ==, 0);
        expect_that(tcp_connection_failure(peer.connection), ==, OK);
        peer_close(&peer);
    }
}

/* ---- urgent data that comes: 3.8.5 ---- */

static void say_urgent_at(uint32_t seq, uint16_t pointer, struct view payload)
{
    struct tcp_segment segment = {
        .seq = seq,
        .ack = peer.ack,
        .flags = TCP_ACK | TCP_URG,
        .window = peer.window,
        .urgent = pointer,
    };
    peer_say_raw(&peer, &segment, payload);
}

static void say_urgent(uint16_t pointer, struct view payload)
{
    say_urgent_at(peer.seq, pointer, payload);
    peer.seq += (uint32_t)payload.length_bytes;
}

static void expect_told_of_urgent(bool told)
{
    expect_that((peer_events(&peer) & TCP_EVENT_REPORTED) != 0, ==, told);
    expect_that(tcp_connection_take_reports(peer.connection), ==,
                told ? (unsigned)TCP_REPORT_URGENT : 0);
}

static void user_reads(size_t length_bytes)
{
    tcp_connection_consume(peer.connection, length_bytes);
}

/* MUST-32: told when a pointer comes and none was pending, and when it advances; MUST-33: how much
 * is left; the pointer is behind the last urgent byte (RFC 9293 3.1). */
TEST(rfc_urgent_data_are_told_of_and_counted)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 0);
    peer_say(&peer, TCP_ACK, VIEW("plain"));
    expect_told_of_urgent(false);
    say_urgent(3, VIEW("abcd"));
    expect_told_of_urgent(true);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 5 + 3);
    say_urgent_at(peer.seq - 1, 0, VIEW("d")); /* points back to what is known */
    peer_say(&peer, TCP_ACK, VIEW("ef"));
    say_urgent_at(peer.seq - 6, 3, VIEW("abcd"));
    expect_told_of_urgent(false);
    user_reads(6);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 2);
    say_urgent(2, VIEW("gh"));
    expect_told_of_urgent(true);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 7);
    user_reads(7);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 0);
    say_urgent(1, VIEW("i")); /* none was pending: told anew */
    expect_told_of_urgent(true);
    peer_close(&peer);
}

/* Each advance is one report, and the event comes once until the user asks. */
TEST(rfc_urgent_data_are_told_of_once_until_asked)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    for (int i = 0; i < 10; i++) {
        say_urgent(1, VIEW("u"));
        expect_that((peer_events(&peer) & TCP_EVENT_REPORTED) != 0, ==, i == 0);
    }
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 10);
    peer_close(&peer);
}

/* The pointer may be ahead of all text (MUST-31), before a hole and after one. */
TEST(rfc_an_urgent_pointer_runs_ahead_of_its_text)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    say_urgent(60000, nothing);
    expect_told_of_urgent(true);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 60000);
    say_urgent_at(peer.seq + 100, 65000, VIEW("behind a hole"));
    expect_told_of_urgent(true);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 65100);
    peer_say(&peer, TCP_ACK, VIEW("12345"));
    user_reads(5);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 65095);
    peer_close(&peer);
}

/* More than the peer sends before its end is not waited for, and after it nothing is urgent (RFC
 * 9293 3.10.7.4, sixth). */
TEST(rfc_an_urgent_pointer_ends_with_the_text)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    say_urgent(1000, VIEW("all"));
    expect_told_of_urgent(true);
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    expect_that(peer_state(&peer), ==, TCP_CLOSE_WAIT);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 3);
    say_urgent(5000, nothing);
    expect_told_of_urgent(false);
    user_reads(3);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, 0);
    peer_close(&peer);
}

/* A pointer that was read past does not come back when the numbers have gone round. */
TEST(rfc_an_urgent_pointer_is_forgotten_when_read)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    say_urgent(1, VIEW("u"));
    user_reads(1);
    expect(!tcp_connection_has(peer.connection, TCP_HEARS_URGENT));
    peer_close(&peer);
}

/* MUST-66: URG is heard with the window closed, with text that finds no room and without any. */
TEST(rfc_urgent_is_heard_with_a_closed_window)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    const struct tcp_receive_window *window = &peer.connection->receive_window;
    for (int i = 0; i < 1000 && tcp_receive_window_bytes(window, peer.connection->rcv_nxt) > 0;
         i++) {
        uint32_t room = tcp_receive_window_bytes(window, peer.connection->rcv_nxt);
        peer_say_bytes(&peer, TCP_ACK, MIN(room, 1000));
        tcp_wire_forget(peer.wire);
    }
    expect_that(tcp_receive_window_bytes(window, peer.connection->rcv_nxt), ==, 0);
    uint32_t unread = peer.connection->receive_queue.length_bytes;
    expect_told_of_urgent(false);
    say_urgent_at(peer.seq, 1, VIEW("p"));
    expect_told_of_urgent(true);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, unread + 1);
    say_urgent_at(peer.seq, 2, nothing);
    expect_told_of_urgent(true);
    expect_that(tcp_connection_urgent_bytes(peer.connection), ==, unread + 2);
    expect_that(peer.connection->rcv_nxt, ==, peer.seq);
    peer_close(&peer);
}

/* ---- urgent data that go ---- */

static const uint8_t zeros[65536];

/* Every segment tells how far ahead the end of what is urgent is, as far as the field reaches. */
static void expect_pointer(const struct tcp_segment *segment, uint32_t up)
{
    int32_t ahead = sequence_past(up, segment->seq);
    expect_that((segment->flags & TCP_URG) != 0, ==, ahead > 0);
    expect_that(segment->urgent, ==, ahead > 0 ? MIN(ahead, UINT16_MAX) : 0);
}

/* RFC 9293 3.10.2, MUST-30: at once, whatever Nagle's rule says; again where it goes again; and no
 * longer once it has come through. */
TEST(rfc_what_is_urgent_is_marked)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    (void)peer_user_sends(&peer, VIEW("plain"), TCP_SEND_NOW);
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK | TCP_PSH);
    (void)peer_user_sends(&peer, VIEW("urgent"), TCP_SEND_URGENT);
    uint32_t up = peer.iss + 1 + 11;
    struct tcp_segment segment = peer_hear(&peer);
    expect_that(segment.payload_bytes, ==, 6);
    expect_that(segment.flags, ==, TCP_ACK | TCP_PSH | TCP_URG);
    expect_pointer(&segment, up);
    peer_wait(&peer, 300 * MS_NS); /* both are lost */
    segment = peer_hear(&peer);
    expect_that(segment.seq, ==, peer.iss + 1);
    expect_pointer(&segment, up);
    peer_acknowledge(&peer);
    (void)peer_user_sends(&peer, VIEW("plain again"), TCP_SEND_NOW);
    expect_that(peer_hear(&peer).flags, ==, TCP_ACK | TCP_PSH);
    peer_close(&peer);
}

/* MUST-31: of any length; and where one datagram would be cut into many segments, whose pointers
 * differ. */
TEST(rfc_urgent_data_may_be_long)
{
    peer_open_default(&peer);
    peer.wire->hosts[0].segments_bytes_max = 65535;
    peer.window_scale = true;
    peer.wind_shift = 8;
    peer_connect(&peer);
    size_t sent_bytes = 0;
    for (int i = 0; i < 3; i++)
        sent_bytes += peer_user_sends(&peer, view_first(VIEW_OF(zeros), 50000), TCP_SEND_URGENT);
    expect_that(sent_bytes, ==, 150000);
    uint32_t up = peer.iss + 1 + 150000;
    size_t first_bytes = tcp_wire_count(peer.wire) * PEER_MSS, heard_bytes = 0;
    while (peer.ack != up) {
        struct tcp_segment segment = peer_hear(&peer);
        heard_bytes += segment.payload_bytes;
        /* What went first did not know of the second and the third. */
        if (heard_bytes > first_bytes) expect_pointer(&segment, up);
        expect_that(segment.flags & TCP_URG, ==, TCP_URG);
        if (tcp_wire_count(peer.wire) == 0) peer_say(&peer, TCP_ACK, nothing);
    }
    peer_close(&peer);
}

/* The peer is told with its window closed, and then by every probe. */
TEST(rfc_urgent_is_told_to_a_closed_window)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    peer.window = 0;
    peer_say(&peer, TCP_ACK, nothing);
    (void)peer_user_sends(&peer, VIEW("plain"), TCP_SEND_NOW);
    peer_hear_nothing(&peer);
    (void)peer_user_sends(&peer, VIEW("urgent"), TCP_SEND_URGENT);
    uint32_t up = peer.iss + 1 + 11;
    struct tcp_segment segment = peer_hear(&peer);
    expect_that(segment.payload_bytes, ==, 0);
    expect_pointer(&segment, up);
    peer_hear_nothing(&peer);
    peer_wait(&peer, 2 * S_NS);
    segment = peer_hear(&peer);
    expect_that(segment.payload_bytes, ==, 1);
    expect_pointer(&segment, up);
    peer_close(&peer);
}

/* A SYN bears no pointer; what follows it does. */
TEST(rfc_urgent_data_may_wait_for_the_handshake)
{
    peer_open_default(&peer);
    (void)peer_begin(&peer);
    (void)peer_user_sends(&peer, VIEW("urgent"), TCP_SEND_URGENT);
    peer_wait(&peer, 1100 * MS_NS);
    struct tcp_wire_record again;
    expect(tcp_wire_take(peer.wire, &again));
    expect_that(again.segment.flags, ==, TCP_SYN);
    peer_say(&peer, TCP_SYN | TCP_ACK, nothing);
    struct tcp_segment segment = peer_hear(&peer);
    expect_that(segment.payload_bytes, ==, 6);
    expect_pointer(&segment, peer.iss + 1 + 6);
    peer_close(&peer);
}

/* ---- the class of what is sent: 3.9.2 ---- */

#define CLASS 0xb8 /* expedited forwarding (RFC 3246) */

static struct tcp_wire_record hear_in_class(uint8_t traffic_class)
{
    struct tcp_wire_record record;
    expect(tcp_wire_take(peer.wire, &record));
    expect_that(record.traffic_class, ==, traffic_class);
    return record;
}

/* MUST-48: from the SYN on, sent again or not, and the reset too; ECN's bits stay TCP's own. */
TEST(rfc_all_that_is_sent_is_of_the_class_asked_for)
{
    peer_open_default(&peer);
    peer.ecn = true;
    peer.core->parameters.ecn = true;
    expect_ok(tcp_connection_open_in_class(peer.core, &peer.pair.local, &peer.pair.peer, CLASS | 3,
                                           &peer.user, &peer.connection));
    struct tcp_wire_record record = hear_in_class(CLASS);
    expect_that(record.ecn, ==, IP_ECN_NOT_ECT);
    peer.iss = record.segment.seq;
    peer.ack = peer.iss + 1;
    peer_say(&peer, TCP_SYN | TCP_ACK | TCP_ECE, nothing);
    (void)hear_in_class(CLASS);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    expect_that(hear_in_class(CLASS).ecn, ==, IP_ECN_ECT_0);
    peer_wait(&peer, 300 * MS_NS);
    expect_that(hear_in_class(CLASS).ecn, ==, IP_ECN_NOT_ECT);
    tcp_connection_set_traffic_class(peer.connection, 0x28);
    peer_say_at(&peer, TCP_ACK, peer.seq, peer.ack + 1000, nothing); /* challenged */
    (void)hear_in_class(0x28);
    tcp_connection_abort(peer.connection);
    peer_let_go(&peer);
    expect_that(hear_in_class(0x28).segment.flags & TCP_RST, ==, TCP_RST);
    peer_close(&peer);
}

/* And passively: with a record, with a cookie, and before anybody has taken the connection. */
TEST(rfc_all_that_a_listener_answers_is_of_the_class_asked_for)
{
    for (int cookies = 0; cookies < 2; cookies++) {
        struct tcp_core_parameters parameters = tcp_wire_parameters();
        if (cookies == 1) parameters.syn_count = 0;
        peer_open(&peer, &parameters);
        peer_listen(&peer);
        tcp_acceptor_set_traffic_class(peer.acceptor, CLASS | 1);
        peer_say(&peer, TCP_SYN, nothing);
        struct tcp_wire_record syn_ack = hear_in_class(CLASS);
        peer.ack = syn_ack.segment.seq + 1;
        if (cookies == 0) {
            peer_wait(&peer, 1100 * MS_NS);
            (void)hear_in_class(CLASS); /* sent again */
            peer_say_at(&peer, TCP_ACK, peer.seq + 100000, peer.ack, nothing);
            (void)hear_in_class(CLASS); /* challenged */
        }
        peer_say(&peer, TCP_ACK, VIEW("data"));
        (void)hear_in_class(CLASS);
        peer_take(&peer);
        (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
        expect_that(hear_in_class(CLASS).ecn, ==, IP_ECN_NOT_ECT);
        peer_close(&peer);
    }
}

/* To the last acknowledgement. */
TEST(rfc_time_wait_answers_in_the_class_of_its_connection)
{
    peer_open_default(&peer);
    peer_connect(&peer);
    tcp_connection_set_traffic_class(peer.connection, CLASS);
    tcp_connection_shut(peer.connection);
    (void)hear_in_class(CLASS);
    peer.ack++;
    peer_say(&peer, TCP_ACK | TCP_FIN, nothing);
    (void)hear_in_class(CLASS);
    expect_that(peer_state(&peer), ==, TCP_TIME_WAIT);
    peer_say_at(&peer, TCP_ACK | TCP_FIN, peer.seq - 1, peer.ack, nothing);
    (void)hear_in_class(CLASS);
    peer_close(&peer);
}

/* ---- the user timeout of both: RFC 5482 ---- */

static struct tcp_core_parameters with_timeouts(void)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.user_timeout_option = true;
    parameters.user_timeout_ns = 200 * S_NS;
    parameters.user_timeout_min_ns = 100 * S_NS;
    parameters.user_timeout_max_ns = 3600 * S_NS;
    return parameters;
}

static void say_timeout(unsigned flags, uint16_t user_timeout, struct view payload)
{
    struct tcp_segment segment = {
        .seq = peer.seq,
        .ack = (flags & TCP_ACK) != 0 ? peer.ack : 0,
        .flags = (uint8_t)flags,
        .window = peer.window,
        .user_timeout = user_timeout,
    };
    peer_say_raw(&peer, &segment, payload);
    peer.seq += (uint32_t)payload.length_bytes + ((flags & TCP_SYN) != 0);
}

/* Sends in vain, and expects to be given up after so long. */
static void expect_given_up_after(uint64_t timeout_ns)
{
    uint64_t start_ns = tcp_wire_now_ns(peer.wire);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    while (tcp_connection_failure(peer.connection) == OK)
        expect(tcp_wire_step(peer.wire, start_ns + 2 * timeout_ns));
    expect_that(tcp_connection_failure(peer.connection), ==, TIMED_OUT);
    expect_that(tcp_wire_now_ns(peer.wire) - start_ns, >=, timeout_ns);
    expect_that(tcp_wire_now_ns(peer.wire) - start_ns, <=, timeout_ns + 100 * MS_NS);
    tcp_wire_forget(peer.wire);
}

/* 3.3: seconds up to 32,767, minutes beyond; never 0 (3.4). */
TEST(rfc_a_user_timeout_is_told_in_seconds_or_minutes)
{
    static const struct {
        uint64_t seconds, rounded;
        uint16_t wire;
    } cases[] = {
        { 0, 1, 1 },
        { 1, 1, 1 },
        { 300, 300, 300 },
        { 32767, 32767, 32767 },
        { 32768, (uint64_t)547 * 60, 0x8000 | 547 },
        { (uint64_t)32767 * 60, (uint64_t)32767 * 60, 0xffff },
        { (uint64_t)99999 * 60, (uint64_t)32767 * 60, 0xffff },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        uint16_t wire = tcp_user_timeout_to_wire(cases[i].seconds * S_NS);
        expect_that(wire, ==, cases[i].wire);
        expect_that(tcp_user_timeout_from_wire(wire), ==, cases[i].rounded * S_NS);
    }
    expect_that(tcp_user_timeout_to_wire(S_NS + 1), ==, 2);
    expect_that(tcp_user_timeout_to_wire(UINT64_MAX), ==, 0xffff);
}

/* 3.1: ENABLED is false unless somebody says otherwise: nothing is told, and nothing heeded. */
TEST(rfc_user_timeouts_are_off_by_default)
{
    struct tcp_core_parameters parameters = with_timeouts();
    parameters.user_timeout_option = false;
    peer_open(&peer, &parameters);
    expect_that(peer_begin(&peer).user_timeout, ==, 0);
    say_timeout(TCP_SYN | TCP_ACK, 1000, nothing);
    expect_that(peer_hear(&peer).user_timeout, ==, 0);
    say_timeout(TCP_ACK, 1000, VIEW("data"));
    expect_given_up_after(200 * S_NS);
    peer_close(&peer);
}

/* 3.2: in the SYN, each time, and in the first segment without; then no more. */
TEST(rfc_a_user_timeout_is_told_by_who_opens)
{
    struct tcp_core_parameters parameters = with_timeouts();
    peer_open(&peer, &parameters);
    expect_that(peer_begin(&peer).user_timeout, ==, 200);
    peer_wait(&peer, 1100 * MS_NS);
    struct tcp_wire_record record;
    expect(tcp_wire_take(peer.wire, &record));
    expect_that(record.segment.user_timeout, ==, 200);
    say_timeout(TCP_SYN | TCP_ACK, 0, nothing);
    expect_that(peer_hear(&peer).user_timeout, ==, 200);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    expect_that(peer_hear(&peer).user_timeout, ==, 0);
    expect_that(peer.connection->peer_user_timeout, ==, 0);
    peer_close(&peer);
}

/* In the SYN-ACK where the SYN has it, and in the first segment in any case; what the SYN said is
 * kept, but for a cookie. */
TEST(rfc_a_user_timeout_is_told_by_who_is_opened_to)
{
    for (int way = 0; way < 3; way++) {
        struct tcp_core_parameters parameters = with_timeouts();
        bool says = way > 0, cookie = way == 2;
        if (cookie) parameters.syn_count = 0;
        peer_open(&peer, &parameters);
        peer_listen(&peer);
        say_timeout(TCP_SYN, says ? 1000 : 0, nothing);
        struct tcp_wire_record record = peer_hear_syn_ack(&peer);
        expect_that(record.segment.user_timeout, ==, says ? 200 : 0);
        say_timeout(TCP_ACK, 0, nothing);
        peer_take(&peer);
        (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
        expect_that(peer_hear(&peer).user_timeout, ==, 200);
        (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
        peer_acknowledge(&peer);
        expect_given_up_after(says && !cookie ? 1000 * S_NS : 200 * S_NS);
        peer_close(&peer);
    }
}

/* A full segment has no room for it, nor has one that tells of much that came out of order. */
TEST(rfc_a_user_timeout_waits_for_room)
{
    struct tcp_core_parameters parameters = with_timeouts();
    peer_open(&peer, &parameters);
    peer.timestamps = peer.sack_permitted = true;
    peer_listen(&peer);
    peer_say(&peer, TCP_SYN, nothing);
    (void)peer_hear_syn_ack(&peer);
    peer_say(&peer, TCP_ACK, nothing);
    peer_take(&peer);
    (void)peer_user_sends_count(&peer, peer.connection->payload_max);
    struct tcp_segment segment = peer_hear(&peer);
    expect_that(segment.payload_bytes, ==, PEER_MSS - 12);
    expect_that(segment.user_timeout, ==, 0);
    for (uint32_t i = 1; i <= 3; i++) {
        expect(tcp_connection_has(peer.connection, TCP_TIMEOUT_DUE));
        peer_say_at(&peer, TCP_ACK, peer.seq + 10 * i, peer.ack, VIEW("x"));
        segment = peer_hear(&peer);
        expect_that(segment.sack_count, ==, i);
        expect_that(segment.user_timeout, ==, i < 3 ? 200 : 0);
        if (i < 3) tcp_connection_mark(peer.connection, TCP_TIMEOUT_DUE);
    }
    expect(tcp_connection_has(peer.connection, TCP_TIMEOUT_DUE));
    peer_close(&peer);
}

/* 3.1: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), by the last that was heard, while it waits
 * too. */
TEST(rfc_user_timeouts_are_agreed_on_within_limits)
{
    static const struct {
        uint64_t own_s;
        uint16_t said;
        uint64_t agreed_s;
    } cases[] = {
        { 200, 300, 300 },         /* the peer's */
        { 200, 1, 200 },           /* ours */
        { 50, 1, 100 },            /* L_LIMIT */
        { 50, 0, 50 },             /* nothing was said */
        { 200, 0x8000 | 10, 600 }, /* in minutes */
        { 200, 0xffff, 3600 },     /* U_LIMIT */
        { 200, 32767, 3600 },      /* U_LIMIT */
        { 4000, 0xffff, 4000 },    /* which takes nothing from us */
        { 200, 0x8000, 200 },      /* reserved */
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct tcp_core_parameters parameters = with_timeouts();
        parameters.user_timeout_ns = cases[i].own_s * S_NS;
        peer_open(&peer, &parameters);
        (void)peer_begin(&peer);
        say_timeout(TCP_SYN | TCP_ACK, 2000, nothing);
        peer_hear_all(&peer);
        peer.connection->peer_user_timeout = 0; /* as if it had not been said so far */
        say_timeout(TCP_ACK, cases[i].said, VIEW("data"));
        peer_hear_all(&peer);
        expect_given_up_after(cases[i].agreed_s * S_NS);
        peer_close(&peer);
    }
}

/* A stranger's segment agrees on nothing, and what nobody has any more is not held up. */
TEST(rfc_user_timeouts_bind_only_who_is_there)
{
    struct tcp_core_parameters parameters = with_timeouts();
    peer_open(&peer, &parameters);
    peer_connect(&peer);
    peer.seq += 1000000; /* outside the window */
    say_timeout(TCP_ACK, 1000, nothing);
    peer.seq -= 1000000;
    peer_hear_all(&peer);
    expect_that(peer.connection->peer_user_timeout, ==, 0);
    say_timeout(TCP_ACK, 3000, nothing);
    expect_that(peer.connection->peer_user_timeout, ==, 3000);
    (void)peer_user_sends(&peer, VIEW("data"), TCP_SEND_NOW);
    tcp_connection_close(peer.connection);
    peer_let_go(&peer);
    peer_wait(&peer, 199 * S_NS);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 1);
    peer_wait(&peer, 2 * S_NS);
    expect_that(tcp_core_statistics(peer.core)->connection_count, ==, 0);
    peer_close(&peer);
}
