/* udp_suite.h - what every UDP must do: the cases that run against each implementation.
 *
 *     UDP_SUITE(udp_loop, &loop)
 *
 * A fixture opens a UDP that has the loopback addresses and loses nothing while its queues, of at
 * least UDP_BURST_MAX small datagrams, have room.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_SUITE_H
#define LOOM_UDP_SUITE_H

#include "test/test.h"
#include "udp/udp.h"

struct udp_fixture {
    struct udp *(*open)(struct udp_fixture *fixture);
    void (*close)(struct udp_fixture *fixture);
    size_t datagram_bytes_max;
    const char *no_ipv6;    /* why it has none; NULL: it has */
    const char *no_refusal; /* why it does not tell of closed ports; NULL: it does */
};

#define UDP_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, carries_a_burst) \
    CASE(implementation, fixture, carries_the_largest_burst) \
    CASE(implementation, fixture, carries_the_largest_datagram) \
    CASE(implementation, fixture, carries_over_ipv6) \
    CASE(implementation, fixture, any_takes_both_families) \
    CASE(implementation, fixture, one_port_many_peers) \
    CASE(implementation, fixture, answer_from_the_destination) \
    CASE(implementation, fixture, small_room_truncates) \
    CASE(implementation, fixture, receive_waits) \
    CASE(implementation, fixture, receive_times_out) \
    CASE(implementation, fixture, receive_is_cancelled) \
    CASE(implementation, fixture, closed_port_is_told_once) \
    CASE(implementation, fixture, closed_port_wakes_who_receives) \
    CASE(implementation, fixture, send_too_large) \
    CASE(implementation, fixture, send_invalid) \
    CASE(implementation, fixture, send_unreachable) \
    CASE(implementation, fixture, burst_stops_at_an_error) \
    CASE(implementation, fixture, bind_twice) \
    CASE(implementation, fixture, bind_elsewhere) \
    CASE(implementation, fixture, ports_are_used_again)

#define UDP_CASE_DECLARE(implementation, fixture, name) \
    void udp_case_##name(struct udp_fixture *fixture);
UDP_CASES(UDP_CASE_DECLARE, , fixture)

#define UDP_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        udp_case_##name(fixture); \
    }
#define UDP_SUITE(implementation, fixture) UDP_CASES(UDP_CASE_TEST, implementation, fixture)

#endif
