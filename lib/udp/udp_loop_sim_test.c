/* udp_loop_sim_test.c - the conformance suite of UDP on udp_loop, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "udp/udp_loop.h"
#include "udp/udp_suite.h"

#define DATAGRAM_BYTES_MAX 1472
#define QUEUE_COUNT        64

static const struct udp_loop_options options = { .port_count = 4,
                                                 .queue_count = QUEUE_COUNT,
                                                 .datagram_bytes_max = DATAGRAM_BYTES_MAX };
static struct udp_loop loop;

static struct udp *loop_open(struct udp_fixture *fixture)
{
    (void)fixture;
    expect_ok(udp_loop_open(&loop, &options));
    return &loop.udp;
}

static void loop_close(struct udp_fixture *fixture)
{
    (void)fixture;
    udp_loop_close(&loop);
}

static struct udp_fixture fixture = {
    .open = loop_open,
    .close = loop_close,
    .datagram_bytes_max = DATAGRAM_BYTES_MAX,
};

UDP_SUITE(udp_loop, &fixture)

TEST(udp_loop_drops_what_finds_no_room)
{
    struct udp *udp = loop_open(NULL);
    const struct endpoint local = { .address = address_loopback(ADDRESS_IPV4) };
    struct udp_port *port;
    size_t count = 0, moved;
    uint8_t byte;
    expect_ok(udp_bind(udp, &local, &port));
    const struct datagram_out out = { .peer = port->local, .bytes = VIEW("x") };
    struct datagram_in in = { .room = SPAN_OF(byte) };
    for (unsigned i = 0; i < QUEUE_COUNT + 7; i++)
        expect_ok(udp_send(port, &out, 1, &moved, NO_WAIT));
    expect_that(loop.dropped_count, ==, 7);
    while (udp_receive(port, &in, 1, &moved, NO_WAIT) == OK)
        count += moved;
    expect_that(count, ==, QUEUE_COUNT);
    udp_port_close(port);
    loop_close(NULL);
}

TEST(udp_loop_has_room_for_so_many_ports)
{
    struct udp *udp = loop_open(NULL);
    const struct endpoint any = { 0 };
    struct udp_port *ports[4], *fifth;
    for (size_t i = 0; i < LENGTH_OF(ports); i++)
        expect_ok(udp_bind(udp, &any, &ports[i]));
    expect_result(udp_bind(udp, &any, &fifth), FULL);
    for (size_t i = 0; i < LENGTH_OF(ports); i++)
        udp_port_close(ports[i]);
    loop_close(NULL);
}
