/* tcp_socket_test.c - the conformance suite of TCP on the host's sockets, and what is theirs alone:
 * pools that are empty, descriptors that run out, strangers' sockets.
 *
 * SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include "target/clock.h"
#include "target/unix/stack_socket_address.h"
#include "target/unix/tcp_socket.h"
#include "tcp/tcp_suite.h"

static const struct tcp_socket_parameters parameters = { .connection_count = 64,
                                                         .borrow_buffer_count = 2 };
static struct tcp_socket tcp;

static struct tcp *suite_open(struct tcp_fixture *fixture)
{
    (void)fixture;
    expect_ok(tcp_socket_open(&tcp, &parameters));
    return &tcp.tcp;
}

static void suite_close(struct tcp_fixture *fixture)
{
    (void)fixture;
    tcp_socket_close(&tcp);
}

static int option_of(struct flow *flow, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    int descriptor = CONTAINER_OF(flow, struct flow_socket, flow)->poll.descriptor;
    expect(getsockopt(descriptor, level, name, &value, &length) == 0);
    return value;
}

static uint8_t traffic_class_of(struct tcp_fixture *fixture, struct flow *flow)
{
    (void)fixture;
    return (uint8_t)option_of(flow, IPPROTO_IP, IP_TOS);
}

static struct tcp_fixture fixture = { .open = suite_open,
                                      .close = suite_close,
                                      .traffic_class_of = traffic_class_of };

/* Before any test runs: whether this host has IPv6 at all. */
__attribute__((constructor)) static void look_for_ipv6(void)
{
    const struct endpoint loopback = { .address = address_loopback(ADDRESS_IPV6) };
    int family;
    int descriptor = socket_bind(&loopback, SOCK_STREAM, &family);
    if (descriptor < 0) fixture.no_ipv6 = "this host has no IPv6";
    if (descriptor >= 0) (void)close(descriptor);
}

TCP_SUITE(tcp_socket, &fixture)

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    expect(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count;
}

TEST(tcp_socket_gives_descriptors_back)
{
    unsigned before = open_descriptors();
    tcp_case_connects_both_ends(&fixture);
    tcp_case_close_resets_who_waits(&fixture);
    tcp_case_connect_is_refused(&fixture);
    tcp_case_connect_without_waiting(&fixture);
    tcp_case_backlog_is_bounded(&fixture);
    expect_that(open_descriptors(), ==, before);
}

/* ---- without room ---- */

TEST(tcp_socket_leaves_in_the_backlog_what_does_not_fit)
{
    static struct tcp_socket small;
    const struct tcp_socket_parameters two = { .connection_count = 2 };
    struct tcp *clients_tcp = suite_open(NULL);
    struct flow *clients[3], *servers[3];
    expect_ok(tcp_socket_open(&small, &two));
    struct listener *listener = tcp_suite_listen(&small.tcp, ADDRESS_ANY, 8);
    for (size_t i = 0; i < LENGTH_OF(clients); i++)
        clients[i] = tcp_suite_connect(clients_tcp, listener);
    servers[0] = tcp_suite_accept(listener);
    servers[1] = tcp_suite_accept(listener);
    expect_result(listener_accept(listener, &servers[2], tcp_suite_soon()), FULL);
    expect_result(listener_accept(listener, &servers[2], NO_WAIT), FULL);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    expect_result(tcp_connect(&small.tcp, &peer, NULL, &servers[2], tcp_suite_soon()), FULL);
    expect_that(small.no_room_count, ==, 3);
    flow_close(servers[0]);
    servers[2] = tcp_suite_accept(listener);
    expect(endpoint_equal(&servers[2]->peer, &clients[2]->local));
    tcp_suite_expect_connected(clients[2], servers[2]);
    expect_that(small.connections_open, ==, 2);
    expect_that(small.accepted_count, ==, 3);
    flow_close(servers[1]);
    flow_close(servers[2]);
    for (size_t i = 0; i < LENGTH_OF(clients); i++)
        flow_close(clients[i]);
    listener_close(listener);
    tcp_socket_close(&small);
    suite_close(NULL);
}

/* A pool without room says so only when somebody is at the door. */
TEST(tcp_socket_waits_when_full_and_idle)
{
    static struct tcp_socket small;
    const struct tcp_socket_parameters one = { .connection_count = 1 };
    struct tcp *clients_tcp = suite_open(NULL);
    struct flow *flow;
    expect_ok(tcp_socket_open(&small, &one));
    struct listener *listener = tcp_suite_listen(&small.tcp, ADDRESS_IPV4, 8);
    struct flow *client = tcp_suite_connect(clients_tcp, listener);
    struct flow *server = tcp_suite_accept(listener);
    expect_result(listener_accept(listener, &flow, tcp_suite_quiet()), TIMED_OUT);
    expect_result(listener_accept(listener, &flow, NO_WAIT), TIMED_OUT);
    struct flow *waiting = tcp_suite_connect(clients_tcp, listener);
    expect_result(listener_accept(listener, &flow, tcp_suite_soon()), FULL);
    expect_result(listener_accept(listener, &flow, NO_WAIT), FULL);
    flow_close(server);
    server = tcp_suite_accept(listener);
    flow_close(server);
    expect_result(listener_accept(listener, &flow, tcp_suite_quiet()), TIMED_OUT);
    flow_close(client);
    flow_close(waiting);
    listener_close(listener);
    tcp_socket_close(&small);
    suite_close(NULL);
}

static void connect_and_accept(struct tcp *base, struct listener *listener, size_t count)
{
    struct flow *clients[32], *servers[32];
    for (size_t i = 0; i < count; i++)
        clients[i] = tcp_suite_connect(base, listener);
    for (size_t i = 0; i < count; i++)
        servers[i] = tcp_suite_accept(listener);
    for (size_t i = 0; i < count; i++) {
        flow_close(clients[i]);
        flow_close(servers[i]);
    }
}

/* The listener guesses whether another connection waits; whatever it guessed, all are accepted. */
TEST(tcp_socket_accepts_bursts_and_single_ones_in_any_order)
{
    static const size_t counts[] = { 1, 1, 32, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 3, 32, 32, 1, 1 };
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 64);
    struct flow *flow;
    for (size_t i = 0; i < LENGTH_OF(counts); i++)
        connect_and_accept(base, listener, counts[i]);
    expect_result(listener_accept(listener, &flow, tcp_suite_quiet()), TIMED_OUT);
    listener_close(listener);
    suite_close(NULL);
}

/* While nobody accepts, connections at the door do not keep the loop awake, and are there later. */
TEST(tcp_socket_sleeps_while_nobody_accepts)
{
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 64);
    struct flow *first = tcp_suite_connect(base, listener);
    struct flow *second = tcp_suite_connect(base, listener);
    struct rusage before, after;
    expect(getrusage(RUSAGE_SELF, &before) == 0);
    expect_result(fiber_sleep(200 * MS_NS), TIMED_OUT);
    expect(getrusage(RUSAGE_SELF, &after) == 0);
    int64_t used_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
                       before.ru_stime.tv_sec) *
                          INT64_C(1000000) +
                      after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
                      before.ru_stime.tv_usec;
    expect_that(used_us, <, 100000);
    flow_close(tcp_suite_accept(listener));
    flow_close(tcp_suite_accept(listener));
    flow_close(first);
    flow_close(second);
    listener_close(listener);
    suite_close(NULL);
}

TEST(tcp_socket_runs_out_of_descriptors)
{
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 8);
    struct flow *client = tcp_suite_connect(base, listener);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *flow;
    struct rlimit old, none = { 0 };
    (void)fiber_sleep(TCP_SUITE_QUIET_NS);
    expect(getrlimit(RLIMIT_NOFILE, &old) == 0);
    none.rlim_max = old.rlim_max;
    expect(setrlimit(RLIMIT_NOFILE, &none) == 0);
    enum result accepted = listener_accept(listener, &flow, tcp_suite_soon());
    enum result connected = tcp_connect(base, &peer, NULL, &flow, tcp_suite_soon());
    expect(setrlimit(RLIMIT_NOFILE, &old) == 0);
    expect_result(accepted, FULL);
    expect_result(connected, FULL);
    struct flow *server = tcp_suite_accept(listener);
    tcp_suite_expect_connected(client, server);
    flow_close(client);
    flow_close(server);
    listener_close(listener);
    suite_close(NULL);
}

TEST(tcp_socket_borrow_buffers_are_bounded)
{
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 8);
    struct flow *clients[3], *servers[3];
    struct view bytes;
    for (size_t i = 0; i < LENGTH_OF(clients); i++) {
        clients[i] = tcp_suite_connect(base, listener);
        servers[i] = tcp_suite_accept(listener);
        expect_ok(flow_write_view(clients[i], VIEW("bytes"), tcp_suite_soon()));
    }
    expect_ok(flow_borrow(servers[0], &bytes, tcp_suite_soon()));
    expect_ok(flow_borrow(servers[1], &bytes, tcp_suite_soon()));
    flow_give_back(servers[1], 2);
    expect_result(flow_borrow(servers[2], &bytes, tcp_suite_soon()), FULL);
    expect_ok(flow_borrow(servers[1], &bytes, NO_WAIT));
    expect_view(bytes, VIEW("tes"));
    flow_give_back(servers[1], 3);
    expect_ok(flow_borrow(servers[2], &bytes, tcp_suite_soon()));
    expect_view(bytes, VIEW("bytes"));
    for (size_t i = 0; i < LENGTH_OF(clients); i++) {
        flow_abort(clients[i]);
        flow_abort(servers[i]);
    }
    listener_close(listener);
    suite_close(NULL);
}

TEST(tcp_socket_has_room_for_so_many_listeners)
{
    struct tcp *base = suite_open(NULL);
    const struct listen_options options = { .backlog = 1 };
    const struct endpoint any = { 0 };
    struct listener *listeners[TCP_SOCKET_LISTENERS], *another;
    for (size_t i = 0; i < LENGTH_OF(listeners); i++)
        listeners[i] = tcp_suite_listen(base, ADDRESS_IPV4, 1);
    expect_result(tcp_listen(base, &any, &options, &another), FULL);
    for (size_t i = 0; i < LENGTH_OF(listeners); i++)
        listener_close(listeners[i]);
    suite_close(NULL);
}

/* Answers and closes, and gives the number of segments that the client has seen (RFC 4898). */
static uint32_t segments_of_an_answer(struct tcp *base, struct listener *listener, bool is_last)
{
    struct flow *client = tcp_suite_connect(base, listener);
    struct flow *server = tcp_suite_accept(listener);
    const struct view answer = VIEW("answer");
    uint8_t bytes[8];
    size_t length_bytes;
    struct tcp_info info = { 0 };
    socklen_t info_bytes = sizeof info;
    if (is_last) {
        expect_ok(flow_write_last(server, &answer, 1, &length_bytes, tcp_suite_soon()));
    } else {
        expect_ok(flow_write_view(server, answer, tcp_suite_soon()));
    }
    flow_close(server);
    expect_result(flow_read_whole(client, SPAN_OF(bytes), &length_bytes, tcp_suite_soon()), CLOSED);
    expect_that(length_bytes, ==, 6);
    int descriptor = CONTAINER_OF(client, struct flow_socket, flow)->poll.descriptor;
    expect(getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &info_bytes) == 0);
    flow_close(client);
    return info.tcpi_segs_in;
}

TEST(tcp_socket_last_bytes_share_a_segment_with_the_end)
{
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 1);
    uint32_t apart = segments_of_an_answer(base, listener, false);
    uint32_t together = segments_of_an_answer(base, listener, true);
    expect_that(together + 1, ==, apart);
    listener_close(listener);
    suite_close(NULL);
}

static int descriptor_of(struct flow *flow)
{
    return CONTAINER_OF(flow, struct flow_socket, flow)->poll.descriptor;
}

static void expect_reads(struct flow *flow, struct view wanted)
{
    uint8_t bytes[8];
    size_t length_bytes;
    expect_ok(flow_read(flow, SPAN_OF(bytes), &length_bytes, tcp_suite_soon()));
    expect_view(view_from(bytes, length_bytes), wanted);
}

TEST(tcp_socket_acknowledges_with_the_answer)
{
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 1);
    struct flow *client = tcp_suite_connect(base, listener);
    struct flow *server = tcp_suite_accept(listener);
    struct tcp_info info = { 0 };
    socklen_t info_bytes = sizeof info;
    expect_ok(flow_write_view(client, VIEW("ask"), tcp_suite_soon()));
    expect_reads(server, VIEW("ask"));
    expect_ok(flow_write_view(server, VIEW("answer"), tcp_suite_soon()));
    expect_reads(client, VIEW("answer"));
    expect(getsockopt(descriptor_of(client), IPPROTO_TCP, TCP_INFO, &info, &info_bytes) == 0);
    expect_that(info.tcpi_segs_in, ==, 2); /* SYN-ACK, and the answer */
    flow_close(client);
    flow_close(server);
    listener_close(listener);
    suite_close(NULL);
}

/* By Nagle's rule the second part is not sent before the first is acknowledged, which Linux would
 * put off for 40 ms. */
TEST(tcp_socket_acknowledges_at_once_what_is_only_a_part)
{
    const int off = 0;
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 1);
    struct flow *client = tcp_suite_connect(base, listener);
    struct flow *server = tcp_suite_accept(listener);
    expect(setsockopt(descriptor_of(client), IPPROTO_TCP, TCP_NODELAY, &off, sizeof off) == 0);
    uint64_t start_ns = clock_monotonic_ns();
    expect_ok(flow_write_view(client, VIEW("one"), tcp_suite_soon()));
    expect_ok(flow_write_view(client, VIEW("two"), tcp_suite_soon()));
    expect_reads(server, VIEW("one"));
    expect_reads(server, VIEW("two"));
    expect_that(clock_monotonic_ns() - start_ns, <, 30 * MS_NS);
    flow_close(client);
    flow_close(server);
    listener_close(listener);
    suite_close(NULL);
}

TEST(tcp_socket_counts)
{
    struct tcp *base = suite_open(NULL);
    struct listener *listener = tcp_suite_listen(base, ADDRESS_IPV4, 1);
    struct flow *client = tcp_suite_connect(base, listener);
    struct flow *server = tcp_suite_accept(listener);
    tcp_suite_expect_connected(client, server);
    expect_that(tcp.connections_open, ==, 2);
    expect_that(tcp.connected_count, ==, 1);
    expect_that(tcp.accepted_count, ==, 1);
    expect_that(tcp.read_bytes, ==, 13);
    expect_that(tcp.written_bytes, ==, 13);
    flow_close(client);
    flow_close(server);
    expect_that(tcp.connections_open, ==, 0);
    listener_close(listener);
    suite_close(NULL);
}

/* A socket that takes both families marks both. */
TEST(tcp_socket_marks_both_families)
{
    if (fixture.no_ipv6 != NULL) test_skip(fixture.no_ipv6);
    static const struct endpoint any;
    const struct listen_options listening = { .backlog = 2, .traffic_class = 0xb8 };
    const struct connect_options connecting = { .traffic_class = 0x28 };
    struct tcp *opened = suite_open(NULL);
    struct listener *listener;
    expect_ok(tcp_listen(opened, &any, &listening, &listener));
    for (int family = ADDRESS_IPV4; family <= ADDRESS_IPV6; family++) {
        struct endpoint peer = tcp_suite_reach(listener, (enum address_family)family);
        struct flow *client;
        expect_ok(tcp_connect(opened, &peer, &connecting, &client, tcp_suite_soon()));
        struct flow *server = tcp_suite_accept(listener);
        expect_that(option_of(server, IPPROTO_IP, IP_TOS), ==, 0xb8);
        expect_that(option_of(server, IPPROTO_IPV6, IPV6_TCLASS), ==, 0xb8);
        if (family == ADDRESS_IPV4)
            expect_that(option_of(client, IPPROTO_IP, IP_TOS), ==, 0x28);
        else
            expect_that(option_of(client, IPPROTO_IPV6, IPV6_TCLASS), ==, 0x28);
        flow_abort(client);
        flow_close(server);
    }
    listener_close(listener);
    suite_close(NULL);
}
