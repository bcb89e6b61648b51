/* tcp_suite.c - cases for every TCP: connecting and listening.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp/tcp_suite.h"

#include "target/clock.h"

/* ---- tools ---- */

uint64_t tcp_suite_soon(void)
{
    return clock_monotonic_ns() + TCP_SUITE_SOON_NS;
}

uint64_t tcp_suite_quiet(void)
{
    return clock_monotonic_ns() + TCP_SUITE_QUIET_NS;
}

struct listener *tcp_suite_listen(struct tcp *tcp, enum address_family family, size_t backlog)
{
    const struct listen_options options = { .backlog = backlog };
    struct endpoint local = { 0 };
    struct listener *listener;
    if (family != ADDRESS_ANY) local.address = address_loopback(family);
    expect_ok(tcp_listen(tcp, &local, &options, &listener));
    expect(listener->local.port != 0);
    return listener;
}

struct endpoint tcp_suite_reach(const struct listener *listener, enum address_family family)
{
    return (struct endpoint){ .address = address_loopback(family), .port = listener->local.port };
}

struct flow *tcp_suite_connect(struct tcp *tcp, const struct listener *listener)
{
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *flow;
    expect_ok(tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_soon()));
    return flow;
}

struct flow *tcp_suite_accept(struct listener *listener)
{
    struct flow *flow;
    expect_ok(listener_accept(listener, &flow, tcp_suite_soon()));
    return flow;
}

static void expect_carried(struct flow *from, struct flow *to, struct view bytes)
{
    uint8_t room[16];
    size_t length_bytes;
    expect_ok(flow_write_view(from, bytes, tcp_suite_soon()));
    expect_ok(flow_read_whole(to, span_first(SPAN_OF(room), bytes.length_bytes), &length_bytes,
                              tcp_suite_soon()));
    expect_view(view_from(room, length_bytes), bytes);
}

void tcp_suite_expect_connected(struct flow *one, struct flow *other)
{
    expect_carried(one, other, VIEW("there"));
    expect_carried(other, one, VIEW("and back"));
}

/* ---- connecting ---- */

static void expect_endpoints(const struct flow *client, const struct flow *server,
                             const struct endpoint *listening)
{
    expect(endpoint_equal(&client->peer, listening));
    expect(endpoint_equal(&client->local, &server->peer));
    expect(client->local.port != 0);
    expect_that(server->local.port, ==, listening->port);
}

static void expect_connects(struct tcp *tcp, struct listener *listener, enum address_family family)
{
    struct endpoint peer = tcp_suite_reach(listener, family);
    struct flow *client;
    expect_ok(tcp_connect(tcp, &peer, NULL, &client, tcp_suite_soon()));
    struct flow *server = tcp_suite_accept(listener);
    expect_endpoints(client, server, &peer);
    if (listener->local.address.family != ADDRESS_ANY)
        expect(endpoint_equal(&server->local, &peer));
    tcp_suite_expect_connected(client, server);
    flow_close(client);
    flow_close(server);
}

void tcp_case_connects_both_ends(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    expect_connects(tcp, listener, ADDRESS_IPV4);
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_connects_over_ipv6(struct tcp_fixture *fixture)
{
    if (fixture->no_ipv6 != NULL) test_skip(fixture->no_ipv6);
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV6, 4);
    struct endpoint elsewhere = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *flow;
    expect_connects(tcp, listener, ADDRESS_IPV6);
    expect_result(tcp_connect(tcp, &elsewhere, NULL, &flow, tcp_suite_soon()), REFUSED);
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_any_takes_both_families(struct tcp_fixture *fixture)
{
    if (fixture->no_ipv6 != NULL) test_skip(fixture->no_ipv6);
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_ANY, 4);
    expect_connects(tcp, listener, ADDRESS_IPV4);
    expect_connects(tcp, listener, ADDRESS_IPV6);
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_connect_from_a_chosen_port(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct listener *lender = tcp_suite_listen(tcp, ADDRESS_IPV4, 1);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct connect_options options = { .local = lender->local };
    struct flow *client;
    listener_close(lender);
    expect_ok(tcp_connect(tcp, &peer, &options, &client, tcp_suite_soon()));
    struct flow *server = tcp_suite_accept(listener);
    expect(endpoint_equal(&server->peer, &options.local));
    flow_abort(client);
    flow_close(server);
    listener_close(listener);
    fixture->close(fixture);
}

void tcp_case_connect_is_refused(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *flow;
    listener_close(listener);
    expect_result(tcp_connect(tcp, &peer, NULL, &flow, tcp_suite_soon()), REFUSED);
    fixture->close(fixture);
}

/* 192.0.2.0/24 is nobody's (RFC 5737), least of all ours. */
void tcp_case_connect_without_a_way(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct connect_options options = { .local.address = address_ipv4(192, 0, 2, 1) };
    struct flow *flow;
    expect_result(tcp_connect(tcp, &peer, &options, &flow, tcp_suite_soon()), UNREACHABLE);
    options.local.address = address_loopback(ADDRESS_IPV6);
    expect_result(tcp_connect(tcp, &peer, &options, &flow, tcp_suite_soon()), UNREACHABLE);
    listener_close(listener);
    fixture->close(fixture);
}

/* Nothing may be left behind by an attempt that was given up. */
void tcp_case_connect_without_waiting(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct endpoint peer = tcp_suite_reach(listener, ADDRESS_IPV4);
    struct flow *flow, *server;
    enum result result = tcp_connect(tcp, &peer, NULL, &flow, NO_WAIT);
    expect(result == OK || result == TIMED_OUT);
    if (result == OK) flow_abort(flow);
    if (listener_accept(listener, &server, tcp_suite_quiet()) == OK) flow_abort(server);
    listener_close(listener);
    fixture->close(fixture);
}

/* ---- listening ---- */

void tcp_case_listen_twice(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    const struct listen_options options = { .backlog = 1 };
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 1);
    struct endpoint local = listener->local;
    struct listener *second;
    expect_result(tcp_listen(tcp, &local, &options, &second), EXISTS);
    listener_close(listener);
    expect_ok(tcp_listen(tcp, &local, &options, &second));
    expect(endpoint_equal(&second->local, &local));
    listener_close(second);
    fixture->close(fixture);
}

void tcp_case_listen_elsewhere(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    const struct listen_options options = { .backlog = 1 };
    const struct endpoint elsewhere = { .address = address_ipv4(192, 0, 2, 1) };
    struct listener *listener;
    expect_result(tcp_listen(tcp, &elsewhere, &options, &listener), UNREACHABLE);
    fixture->close(fixture);
}

void tcp_case_listeners_are_separate(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *one = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct listener *other = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct flow *flow;
    expect(one->local.port != other->local.port);
    struct flow *client = tcp_suite_connect(tcp, other);
    expect_result(listener_accept(one, &flow, tcp_suite_quiet()), TIMED_OUT);
    struct flow *server = tcp_suite_accept(other);
    tcp_suite_expect_connected(client, server);
    flow_close(client);
    flow_close(server);
    listener_close(one);
    listener_close(other);
    fixture->close(fixture);
}

void tcp_case_close_resets_who_waits(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct flow *client = tcp_suite_connect(tcp, listener);
    uint8_t byte;
    size_t length_bytes;
    listener_close(listener);
    expect_result(flow_read(client, SPAN_OF(byte), &length_bytes, tcp_suite_soon()), FAILED);
    flow_close(client);
    fixture->close(fixture);
}

void tcp_case_connection_outlives_listener(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 4);
    struct flow *client = tcp_suite_connect(tcp, listener);
    struct flow *server = tcp_suite_accept(listener);
    listener_close(listener);
    tcp_suite_expect_connected(client, server);
    flow_close(client);
    flow_close(server);
    fixture->close(fixture);
}

void tcp_case_places_are_used_again(struct tcp_fixture *fixture)
{
    struct tcp *tcp = fixture->open(fixture);
    for (unsigned i = 0; i < 100; i++) {
        struct listener *listener = tcp_suite_listen(tcp, ADDRESS_IPV4, 2);
        struct flow *client = tcp_suite_connect(tcp, listener);
        struct flow *server = tcp_suite_accept(listener);
        tcp_suite_expect_connected(client, server);
        flow_abort(client);
        flow_close(server);
        listener_close(listener);
    }
    fixture->close(fixture);
}

/* RFC 9293 3.9.2: MUST-48, by either side of a connection for what it sends itself. */
void tcp_case_traffic_class_is_as_asked_for(struct tcp_fixture *fixture)
{
    static const struct {
        uint8_t client, server;
    } cases[] = { { 0, 0 }, { 0xb8, 0 }, { 0, 0x28 }, { 0xfc, 0x20 }, { 0xff, 0x2b } };
    if (fixture->traffic_class_of == NULL) test_skip("nothing here sends datagrams");
    struct tcp *tcp = fixture->open(fixture);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        const struct listen_options listening = { .backlog = 1, .traffic_class = cases[i].server };
        const struct connect_options connecting = { .traffic_class = cases[i].client };
        const struct endpoint local = { .address = address_loopback(ADDRESS_IPV4) };
        struct listener *listener;
        struct flow *client;
        expect_ok(tcp_listen(tcp, &local, &listening, &listener));
        expect_ok(tcp_connect(tcp, &listener->local, &connecting, &client, tcp_suite_soon()));
        struct flow *server = tcp_suite_accept(listener);
        expect_that(fixture->traffic_class_of(fixture, client), ==, cases[i].client & 0xfc);
        expect_that(fixture->traffic_class_of(fixture, server), ==, cases[i].server & 0xfc);
        tcp_suite_expect_connected(client, server);
        flow_abort(client);
        flow_close(server);
        listener_close(listener);
    }
    fixture->close(fixture);
}
