/* net_suite.h - what every net must do: the cases that run against each implementation.
 *
 *     NET_SUITE(net_pair, &pair)
 *
 * A fixture opens a net that is not attached. Behind it stands its other end: a second net (or the
 * same one, when frames come back), which the cases attach too; or something else, a host, that the
 * fixture speaks for with `inject` and `collect`.
 *
 * The cases use frames of Ethernet type 0x88b5 (IEEE 802's first for local experiments), IP
 * datagrams of protocol 253 (RFC 3692) where there is no Ethernet, and TCP segments between
 * 192.0.2.0/24 and 198.51.100.0/24, or 2001:db8::/32. Others that a host sends by itself are
 * ignored. The net, and where there is one the host, lose nothing while they hold no more than
 * `held_frames_max`.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_SUITE_H
#define LOOM_NET_SUITE_H

#include "net/net.h"
#include "net/net_queue.h"
#include "test/test.h"

struct net_fixture {
    /* Gives the net, and with *far its other end; *far stays NULL where that is no net. */
    struct net *(*open)(struct net_fixture *fixture, struct net **far);
    void (*close)(struct net_fixture *fixture); /* it is detached */

    /* Where the other end is no net: sends a frame towards the net; and gives the length of one
     * that came from it, copied into `room` (of 64 KiB and more), its transport checksum complete;
     * 0: none now. Neither waits. */
    void (*inject)(struct net_fixture *fixture, struct view frame);
    size_t (*collect)(struct net_fixture *fixture, struct span room);

    size_t held_frames_max; /* under way one way, at least 16 */
    const char *never_full; /* why its ring never is, as far as a test can see; NULL: it is when so
                               many frames of a net wait that the other end does not take */
};

#define NET_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, carries_frames_both_ways) \
    CASE(implementation, fixture, carries_every_length) \
    CASE(implementation, fixture, carries_bursts_in_order) \
    CASE(implementation, fixture, carries_frames_in_pieces) \
    CASE(implementation, fixture, receives_into_the_pool) \
    CASE(implementation, fixture, gives_back_what_has_gone) \
    CASE(implementation, fixture, full_ring_holds_up) \
    CASE(implementation, fixture, ready_as_long_as_frames_wait) \
    CASE(implementation, fixture, ready_may_send) \
    CASE(implementation, fixture, lives_through_an_empty_pool) \
    CASE(implementation, fixture, detach_gives_all_back) \
    CASE(implementation, fixture, detached_it_drops) \
    CASE(implementation, fixture, counts_what_passes) \
    CASE(implementation, fixture, sends_checksums) \
    CASE(implementation, fixture, sends_segments_ipv4) \
    CASE(implementation, fixture, sends_segments_ipv6) \
    CASE(implementation, fixture, vouches_for_no_wrong_checksum)

#define NET_CASE_DECLARE(implementation, fixture, name) \
    void net_case_##name(struct net_fixture *fixture);
NET_CASES(NET_CASE_DECLARE, , fixture)

#define NET_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        net_case_##name(fixture); \
    }
#define NET_SUITE(implementation, fixture) NET_CASES(NET_CASE_TEST, implementation, fixture)

/* ---- for the cases ---- */

#define NET_SUITE_SOON_NS  (10 * S_NS)
#define NET_SUITE_QUIET_NS (20 * MS_NS)

/* One end, where it is a net: takes what comes into `received` unless it is told not to. */
struct net_station {
    struct net_user user;
    struct net *net;
    struct packet_pool pool;
    struct net_queue received;
    bool holds_back;
    bool echoes; /* sends back what it receives instead, the addresses exchanged */
    size_t ready_count;
};

/* Attaches it, with a pool of its own; and detaches it. */
void net_station_open(struct net_station *station, struct net *net);
void net_station_close(struct net_station *station);

/* Sends a frame of these bytes, which the net must take. */
void net_station_send(struct net_station *station, struct view frame);

/* A net and its other end, attached. */
struct net_world {
    struct net_fixture *fixture;
    struct net_station near, far; /* far.net is NULL where that is no net */
    struct net_station *other;    /* what receives near's frames: far, or near where they come back;
                                     NULL: the fixture's `collect` */
};

struct net_world *net_suite_open(struct net_fixture *fixture);
void net_suite_close(struct net_world *world);

/* Waits until something that it looks at is so: true; false: it is not, soon. */
bool net_suite_wait(struct net_world *world, bool (*is_so)(struct net_world *world));

/* A frame of the suite's own: its number and a pattern, of so many bytes behind any Ethernet
 * header (at least 32). Its bytes stand in *room. */
struct view net_suite_frame(const struct net_world *world, bool outward, uint32_t number,
                            size_t datagram_bytes, struct span room);

/* The same as a packet of the near pool. */
struct packet *net_suite_packet(struct net_world *world, uint32_t number, size_t datagram_bytes);

/* Sends one from near, which must take it. */
void net_suite_send(struct net_world *world, uint32_t number, size_t datagram_bytes);

/* Sends one from the other end, with its transport checksum in place. */
void net_suite_inject(struct net_world *world, struct view frame);

/* Takes the next frame at the other end, or at near; waits for it. Expects it to be the suite's
 * with that number and length, whole. */
void net_suite_expect_sent(struct net_world *world, uint32_t number, size_t datagram_bytes);
struct packet *net_suite_receive(struct net_world *world);
void net_suite_expect_received(struct net_world *world, uint32_t number, size_t datagram_bytes);

/* The next frame at the other end that is not a stranger's, copied into `room`; waits. */
struct view net_suite_collect(struct net_world *world, struct span room);

/* Waits a moment in which nothing may happen. */
void net_suite_be_quiet(void);

/* A reference that somebody holds to `bytes`: whether it has come back. */
struct net_loan {
    struct payload payload;
    uint8_t bytes[1024];
};
void net_suite_lend(struct net_loan *loan);

/* ---- TCP segments ---- */

struct net_suite_tcp {
    bool outward, is_ipv6;
    uint32_t sequence;
    uint8_t flags;
    size_t payload_bytes; /* of the suite's stream, from `sequence` on */
};

/* The byte that the suite's stream has at a sequence number. */
uint8_t net_suite_byte(uint32_t sequence);

/* All headers and the payload, with a right checksum. */
struct view net_suite_tcp_frame(const struct net_world *world, const struct net_suite_tcp *tcp,
                                struct span room);

/* Expects right IP lengths, a right transport checksum and the stream's bytes. */
void net_suite_check_tcp(const struct net_world *world, struct view frame,
                         struct net_suite_tcp *found);

#endif
