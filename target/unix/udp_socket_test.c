/* udp_socket_test.c - the conformance suite of UDP on the host's sockets, and what is theirs alone.
 *
 * SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "target/clock.h"
#include "target/unix/udp_socket.h"
#include "udp/udp_suite.h"

static const struct udp_socket_parameters parameters = { .port_count = 4 };
static struct udp_socket udp;

static struct udp *suite_open(struct udp_fixture *fixture)
{
    (void)fixture;
    expect_ok(udp_socket_open(&udp, &parameters));
    return &udp.udp;
}

static void suite_close(struct udp_fixture *fixture)
{
    (void)fixture;
    udp_socket_close(&udp);
}

static struct udp_fixture fixture = {
    .open = suite_open,
    .close = suite_close,
    .datagram_bytes_max = UDP_PAYLOAD_MAX,
};

/* Before any test runs: whether this host has IPv6 at all. */
__attribute__((constructor)) static void look_for_ipv6(void)
{
    const struct endpoint loopback = { .address = address_loopback(ADDRESS_IPV6) };
    int family;
    int descriptor = socket_bind(&loopback, SOCK_DGRAM, &family);
    if (descriptor < 0) fixture.no_ipv6 = "this host has no IPv6";
    if (descriptor >= 0) (void)close(descriptor);
}

UDP_SUITE(udp_socket, &fixture)

/* Linux has all of 127.0.0.0/8, so a host with more than one address is at hand. */
TEST(udp_socket_answers_from_the_address_that_was_asked)
{
    struct udp *base = suite_open(NULL);
    const struct endpoint any = { 0 };
    struct endpoint second = { .address = address_ipv4(127, 0, 0, 2) };
    struct udp_port *client, *server;
    uint8_t bytes[16];
    struct datagram_in in = { .room = SPAN_OF(bytes) };
    size_t count;
    uint64_t soon_ns = clock_monotonic_ns() + 10 * S_NS;
    expect_ok(udp_bind(base, &any, &client));
    expect_ok(udp_bind(base, &any, &server));
    second.port = server->local.port;
    const struct datagram_out question = { .peer = second, .bytes = VIEW("question") };
    expect_ok(udp_send(client, &question, 1, &count, soon_ns));
    expect_ok(udp_receive(server, &in, 1, &count, soon_ns));
    expect(address_equal(&in.destination, &second.address));
    const struct datagram_out answer = { .peer = in.peer,
                                         .source = in.destination,
                                         .bytes = VIEW("answer") };
    expect_ok(udp_send(server, &answer, 1, &count, soon_ns));
    expect_ok(udp_receive(client, &in, 1, &count, soon_ns));
    expect(endpoint_equal(&in.peer, &second));
    udp_port_close(client);
    udp_port_close(server);
    suite_close(NULL);
}

/* Many errors at once are told once, and do not stay in the way. */
TEST(udp_socket_many_refusals_are_one)
{
    struct udp *base = suite_open(NULL);
    const struct endpoint local = { .address = address_loopback(ADDRESS_IPV4) };
    struct udp_port *port, *gone;
    struct datagram_in in = { 0 };
    size_t count;
    expect_ok(udp_bind(base, &local, &port));
    expect_ok(udp_bind(base, &local, &gone));
    const struct datagram_out out = { .peer = gone->local, .bytes = VIEW("x") };
    udp_port_close(gone);
    for (unsigned i = 0; i < 5; i++)
        expect_ok(udp_send(port, &out, 1, &count, NO_WAIT));
    expect_result(udp_receive(port, &in, 1, &count, clock_monotonic_ns() + S_NS), REFUSED);
    expect_result(udp_receive(port, &in, 1, &count, clock_monotonic_ns() + 20 * MS_NS), TIMED_OUT);
    expect_that(udp.refused_count, ==, 1);
    expect_that(udp.sent_count, ==, 5);
    udp_port_close(port);
    suite_close(NULL);
}

TEST(udp_socket_has_room_for_so_many_ports)
{
    struct udp *base = suite_open(NULL);
    const struct endpoint any = { 0 };
    struct udp_port *ports[4], *fifth;
    for (size_t i = 0; i < LENGTH_OF(ports); i++)
        expect_ok(udp_bind(base, &any, &ports[i]));
    expect_result(udp_bind(base, &any, &fifth), FULL);
    udp_port_close(ports[0]);
    expect_ok(udp_bind(base, &any, &ports[0]));
    for (size_t i = 0; i < LENGTH_OF(ports); i++)
        udp_port_close(ports[i]);
    suite_close(NULL);
}
