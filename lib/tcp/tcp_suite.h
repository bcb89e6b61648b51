/* tcp_suite.h - what every TCP must do: the cases that run against each implementation.
 *
 *     TCP_SUITE(tcp_loop, &loop)
 *
 * A fixture opens a TCP that has the loopback addresses, with room for at least 16 connections of
 * which it holds both ends, and 4 listeners.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_SUITE_H
#define LOOM_TCP_SUITE_H

#include "tcp/tcp.h"
#include "test/test.h"

struct tcp_fixture {
    struct tcp *(*open)(struct tcp_fixture *fixture);
    void (*close)(struct tcp_fixture *fixture);
    const char *no_ipv6; /* why it has none; NULL: it has */
    /* The class of what the flow sends, ECN's bits excepted. NULL: it sends no datagrams. */
    uint8_t (*traffic_class_of)(struct tcp_fixture *fixture, struct flow *flow);
};

#define TCP_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, connects_both_ends) \
    CASE(implementation, fixture, connects_over_ipv6) \
    CASE(implementation, fixture, any_takes_both_families) \
    CASE(implementation, fixture, connect_from_a_chosen_port) \
    CASE(implementation, fixture, connect_is_refused) \
    CASE(implementation, fixture, connect_without_a_way) \
    CASE(implementation, fixture, connect_without_waiting) \
    CASE(implementation, fixture, listen_twice) \
    CASE(implementation, fixture, listen_elsewhere) \
    CASE(implementation, fixture, listeners_are_separate) \
    CASE(implementation, fixture, accept_waits) \
    CASE(implementation, fixture, accept_times_out) \
    CASE(implementation, fixture, accept_is_cancelled) \
    CASE(implementation, fixture, accept_in_order) \
    CASE(implementation, fixture, backlog_is_bounded) \
    CASE(implementation, fixture, drain_takes_no_more) \
    CASE(implementation, fixture, drain_wakes_accept) \
    CASE(implementation, fixture, close_resets_who_waits) \
    CASE(implementation, fixture, connection_outlives_listener) \
    CASE(implementation, fixture, places_are_used_again) \
    CASE(implementation, fixture, traffic_class_is_as_asked_for)

#define TCP_CASE_DECLARE(implementation, fixture, name) \
    void tcp_case_##name(struct tcp_fixture *fixture);
TCP_CASES(TCP_CASE_DECLARE, , fixture)

#define TCP_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        tcp_case_##name(fixture); \
    }
#define TCP_SUITE(implementation, fixture) TCP_CASES(TCP_CASE_TEST, implementation, fixture)

/* ---- for the cases ---- */

#define TCP_SUITE_SOON_NS  (10 * S_NS)
#define TCP_SUITE_QUIET_NS (20 * MS_NS)

uint64_t tcp_suite_soon(void);
uint64_t tcp_suite_quiet(void);

/* Listens on a free port of the family's loopback address. */
struct listener *tcp_suite_listen(struct tcp *tcp, enum address_family family, size_t backlog);

/* Where to connect to reach the listener. */
struct endpoint tcp_suite_reach(const struct listener *listener, enum address_family family);

struct flow *tcp_suite_connect(struct tcp *tcp, const struct listener *listener);
struct flow *tcp_suite_accept(struct listener *listener);

/* Sends a few bytes each way, and expects them. */
void tcp_suite_expect_connected(struct flow *one, struct flow *other);

#endif
