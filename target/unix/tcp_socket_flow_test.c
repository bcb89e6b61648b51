/* tcp_socket_flow_test.c - the conformance suite of flows on the host's sockets, over IPv4 and
 * IPv6.
 *
 * SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include "flow/flow_suite.h"
#include "target/unix/tcp_socket.h"

#define BUFFER_BYTES 65536

static const struct tcp_socket_parameters parameters = { .connection_count = 4,
                                                         .borrow_buffer_count = 2 };

static struct tcp_socket tcp;

/* The host would let its buffers grow to tens of megabytes. */
static void limit_buffers(struct flow *flow)
{
    const int bytes = BUFFER_BYTES;
    int descriptor = CONTAINER_OF(flow, struct flow_socket, flow)->poll.descriptor;
    expect(setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
    expect(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
}

static void open_over(enum address_family family, struct flow **near, struct flow **far)
{
    const struct endpoint any = { .address = address_loopback(family) };
    const struct listen_options options = { .backlog = 1 };
    struct listener *listener;
    expect_ok(tcp_socket_open(&tcp, &parameters));
    expect_ok(tcp_listen(&tcp.tcp, &any, &options, &listener));
    expect_ok(tcp_connect(&tcp.tcp, &listener->local, NULL, near, suite_soon()));
    expect_ok(listener_accept(listener, far, suite_soon()));
    listener_close(listener);
    limit_buffers(*near);
    limit_buffers(*far);
}

static void ipv4_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    (void)fixture;
    open_over(ADDRESS_IPV4, near, far);
}

/* The accepted side is the one that the cases look at most. */
static void ipv6_open(struct flow_fixture *fixture, struct flow **near, struct flow **far)
{
    (void)fixture;
    open_over(ADDRESS_IPV6, far, near);
}

static void socket_close(struct flow_fixture *fixture)
{
    (void)fixture;
    tcp_socket_close(&tcp);
}

/* The host doubles what it is asked for (socket(7)), at both ends. */
static struct flow_fixture ipv4 = {
    .open = ipv4_open,
    .close = socket_close,
    .held_bytes_max = (size_t)MIB,
};
static struct flow_fixture ipv6 = {
    .open = ipv6_open,
    .close = socket_close,
    .held_bytes_max = (size_t)MIB,
};

FLOW_SUITE(flow_socket, &ipv4)
FLOW_SUITE(flow_socket_ipv6, &ipv6)

/* A recv stops at the mark of urgent data, though more has arrived behind it. The urgent byte
 * itself is not part of the stream (RFC 6093 3.1). */
TEST(tcp_socket_reads_past_urgent_data)
{
    struct flow *near, *far;
    uint8_t room[16];
    size_t filled_bytes = 0, length_bytes;
    open_over(ADDRESS_IPV4, &near, &far);
    /* From its first wait on the socket tells only what changes. */
    expect_result(flow_read(far, SPAN_OF(room), &length_bytes, loop_now_ns() + MS_NS), TIMED_OUT);
    int descriptor = CONTAINER_OF(near, struct flow_socket, flow)->poll.descriptor;
    expect_ok(flow_write_view(near, VIEW("ab"), suite_soon()));
    expect_that(send(descriptor, "!", 1, MSG_OOB), ==, 1);
    expect_ok(flow_write_view(near, VIEW("cd"), suite_soon()));
    while (filled_bytes < 4) {
        expect_ok(flow_read(far, span_from_offset(SPAN_OF(room), filled_bytes), &length_bytes,
                            suite_soon()));
        filled_bytes += length_bytes;
    }
    expect_view(view_from(room, filled_bytes), VIEW("abcd"));
    flow_close(near);
    flow_close(far);
    tcp_socket_close(&tcp);
}
