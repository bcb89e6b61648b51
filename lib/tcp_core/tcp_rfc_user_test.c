/* tcp_rfc_user_test.c - what RFC 9293 owes to the user of a connection that goes on: reports,
 * urgent data, the class of what is sent, the timeout that both sides agree on.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_peer_suite.h"

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
    expect_ok(
        tcp_acceptor_open(peer.core, &peer.pair.local, 8, &peer.acceptor_user, &peer.acceptor));
    peer_say(&peer, TCP_SYN, nothing);
    struct tcp_wire_record syn_ack;
    expect(tcp_wire_take(peer.wire, &syn_ack));
    peer.iss = syn_ack.segment.seq;
    peer.ack = peer.iss + 1;
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
        peer_wait(&peer, 100 * S_NS);
        expect_that(peer_events(&peer), ==, 0);
        expect_that(tcp_connection_failure(peer.connection), ==, OK);
        peer_close(&peer);
    }
}
