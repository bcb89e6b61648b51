/* report_test.c - what a program is told about a connection that goes on, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/test/wire.h"

/* A router says that the segment with this sequence number did not arrive (RFC 792). */
static void say_unreachable(struct wire *wire, uint8_t code, uint32_t seq)
{
    uint8_t quoted[8], inner[64], message[72] = { 3, code }, frame[128];
    const uint32_t words[2] = { (uint32_t)wire->stack_port << 16 | wire->our_port, seq };
    for (size_t i = 0; i < sizeof quoted; i++)
        quoted[i] = (uint8_t)(words[i / 4] >> (24 - 8 * (i % 4)));
    size_t inner_bytes = wire_datagram(inner, 6, STACK_ADDRESS, OUR_ADDRESS, quoted, sizeof quoted);
    memcpy(message + 8, inner, inner_bytes);
    uint16_t sum = wire_checksum(0, message, 8 + inner_bytes);
    message[2] = (uint8_t)(sum >> 8);
    message[3] = (uint8_t)sum;
    size_t frame_bytes = wire_datagram(frame, 1, "192.0.2.254", STACK_ADDRESS, message,
                                       8 + inner_bytes);
    wire_input(wire, frame, frame_bytes);
}

static unsigned reports_of(struct loom_socket *socket)
{
    unsigned reports;
    expect_ok(loom_take_reports(socket, &reports));
    return reports;
}

static unsigned ready_for_reports(struct loom_socket *socket)
{
    struct loom_poll poll = { .socket = socket, .wanted = LOOM_REPORTED };
    size_t ready_count;
    enum loom_result result = loom_poll(&poll, 1, &ready_count, LOOM_NO_WAIT);
    expect(result == LOOM_OK || result == LOOM_AGAIN);
    return poll.ready;
}

struct told {
    struct loom_watch watch;
    unsigned ready;
};

static void on_ready(struct loom_watch *watch, struct loom_socket *socket, unsigned ready)
{
    (void)socket;
    ((struct told *)watch)->ready |= ready;
}

/* RFC 9293 3.9.1.8, MUST-47: asynchronously, by a watch, by poll, and by a call. */
TEST(unreachable_is_reported_and_the_connection_goes_on)
{
    struct wire wire;
    struct told told = { .watch = { on_ready } };
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_ok(loom_watch_socket(socket, &told.watch));
    expect_ok(loom_send(socket, "data", 4, &sent, LOOM_NO_WAIT));
    uint32_t seq = wire_next(&wire).seq;
    wire_step(&wire);
    expect_that(told.ready & LOOM_REPORTED, ==, 0);
    expect_that(ready_for_reports(socket), ==, 0);
    say_unreachable(&wire, 1, seq);
    expect_that(told.ready & (LOOM_REPORTED | LOOM_FAILED), ==, LOOM_REPORTED);
    expect_that(ready_for_reports(socket), ==, LOOM_REPORTED);
    say_unreachable(&wire, 13, seq);
    expect_that(reports_of(socket), ==, LOOM_REPORT_UNREACHABLE | LOOM_REPORT_DENIED);
    expect_that(ready_for_reports(socket), ==, 0);
    expect_that(reports_of(socket), ==, 0);
    expect_ok(loom_error(socket));
    loom_abort(socket);
    wire_close(&wire);
}

/* SHLD-9: before it is given up. */
TEST(vain_retransmission_is_reported)
{
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_ok(loom_send(socket, "data", 4, &sent, LOOM_NO_WAIT));
    wire_run(&wire, wire.now_ns + 100 * S_NS);
    expect_that(reports_of(socket), ==, LOOM_REPORT_RETRANSMITTED);
    expect_ok(loom_error(socket));
    loom_abort(socket);
    wire_close(&wire);
}

TEST(what_is_no_connection_has_no_reports)
{
    struct wire wire;
    struct loom_socket *socket;
    unsigned reports = 7;
    wire_open(&wire, NULL, 0);
    expect_ok(loom_socket_open(wire.stack, LOOM_TCP, &socket));
    expect_result(loom_take_reports(socket, &reports), LOOM_INVALID);
    expect_that(reports, ==, 0);
    loom_close(socket);
    wire_close(&wire);
}

/* RFC 9293 3.8.5, MUST-32 and MUST-33; what is urgent is read in line, up to its end where the
 * program wants to keep it apart. */
TEST(urgent_data_are_reported_and_counted)
{
    struct wire wire;
    uint8_t room[16];
    size_t left, received;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_ok(loom_urgent(socket, &left));
    expect_that(left, ==, 0);
    struct segment segment = { .source_port = wire.our_port,
                               .destination_port = wire.stack_port,
                               .seq = wire.our_seq,
                               .ack = wire.stack_seq,
                               .flags = ACK | URG,
                               .window = 65535,
                               .urgent = 3,
                               .payload = "urgent",
                               .payload_bytes = 6 };
    wire_send(&wire, &segment);
    expect_that(reports_of(socket), ==, LOOM_REPORT_URGENT);
    expect_ok(loom_urgent(socket, &left));
    expect_that(left, ==, 3);
    expect_ok(loom_receive(socket, room, left, &received, LOOM_NO_WAIT));
    expect_that(received, ==, 3);
    expect_ok(loom_urgent(socket, &left));
    expect_that(left, ==, 0);
    expect_ok(loom_receive(socket, room, sizeof room, &received, LOOM_NO_WAIT));
    expect_that(received, ==, 3);
    loom_abort(socket);
    wire_close(&wire);
}

TEST(urgent_data_are_sent)
{
    struct wire wire;
    size_t sent;
    wire_open(&wire, NULL, 0);
    struct loom_socket *socket = wire_connect(&wire, NULL, 0, MS_NS);
    expect_ok(loom_send(socket, "plain", 5, &sent, LOOM_NO_WAIT));
    expect_that(wire_next(&wire).flags, ==, ACK | PSH);
    expect_ok(loom_send_urgent(socket, "urgent", 6, &sent, LOOM_NO_WAIT));
    expect_that(sent, ==, 6);
    struct segment segment = wire_next(&wire);
    expect_that(segment.flags, ==, ACK | PSH | URG);
    expect_that(segment.urgent, ==, 6);
    expect_that(segment.payload_bytes, ==, 6);
    loom_abort(socket);
    wire_close(&wire);
}

/* RFC 9293 3.9.2, MUST-48 and MUST-49: by both sides, before and while there is a connection. */
TEST(class_and_ttl_are_as_asked_for)
{
    static const struct loom_option ttl = { "ipv4-ttl", "77" };
    struct wire wire;
    struct loom_socket *socket;
    struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80");
    wire_open(&wire, &ttl, 1);
    expect_ok(loom_socket_open(wire.stack, LOOM_TCP, &socket));
    expect_result(loom_set_option(socket, LOOM_TRAFFIC_CLASS, 256), LOOM_INVALID);
    expect_ok(loom_set_option(socket, LOOM_TRAFFIC_CLASS, 0xb8));
    expect_result(loom_connect(socket, &peer, LOOM_NO_WAIT), LOOM_AGAIN);
    struct segment segment = wire_next(&wire);
    expect_that(segment.traffic_class, ==, 0xb8);
    expect_that(segment.hop_limit, ==, 77);
    expect_ok(loom_set_option(socket, LOOM_TRAFFIC_CLASS, 0x28));
    wire_run(&wire, wire.now_ns + 1100 * MS_NS);
    expect_that(wire_next(&wire).traffic_class, ==, 0x28);
    loom_abort(socket);
    wire_close(&wire);
}

TEST(class_of_a_listener_is_its_connections)
{
    struct wire wire;
    struct loom_socket *listener, *socket;
    struct loom_endpoint local = endpoint_of(STACK_ADDRESS ":80");
    uint64_t value;
    size_t sent;
    wire_open(&wire, NULL, 0);
    expect_ok(loom_socket_open(wire.stack, LOOM_TCP, &listener));
    expect_ok(loom_bind(listener, &local));
    expect_ok(loom_set_option(listener, LOOM_TRAFFIC_CLASS, 0x20));
    expect_ok(loom_listen(listener, 4));
    expect_ok(loom_set_option(listener, LOOM_TRAFFIC_CLASS, 0xb9));
    wire.stack_port = 80;
    wire_say(&wire, SYN, wire.our_seq++, "");
    struct segment segment = wire_next(&wire);
    expect_that(segment.traffic_class, ==, 0xb8);
    wire.stack_seq = segment.seq + 1;
    wire_say(&wire, ACK, wire.our_seq, "");
    expect_ok(loom_accept(listener, &socket, LOOM_NO_WAIT));
    expect_ok(loom_get_option(socket, LOOM_TRAFFIC_CLASS, &value));
    expect_that(value, ==, 0xb9);
    expect_ok(loom_send(socket, "data", 4, &sent, LOOM_NO_WAIT));
    expect_that(wire_next(&wire).traffic_class, ==, 0xb8);
    loom_abort(socket);
    loom_close(listener);
    wire_close(&wire);
}
