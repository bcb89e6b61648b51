/* net_switch_sim_test.c - a switch learns, floods, forgets and holds nothing of anybody.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_suite.h"
#include "net/net_switch.h"

static const struct net_switch_options plain = {
    .port_count = 4,
    .packet_count = 1024,
    .queue_count = 64,
    .address_count = 64,
    .mtu_bytes = 1500,
};

static struct net_switch net_switch;
static struct net_station stations[4];

/* ---- the conformance suite, between two ports ---- */

static struct net *switch_open(struct net_fixture *fixture, struct net **far)
{
    (void)fixture;
    expect_ok(net_switch_open(&net_switch, &plain));
    *far = net_switch_port(&net_switch, 3);
    return net_switch_port(&net_switch, 0);
}

static struct net *switch_open_offloads(struct net_fixture *fixture, struct net **far)
{
    struct net_switch_options options = plain;
    (void)fixture;
    options.offloads = true;
    expect_ok(net_switch_open(&net_switch, &options));
    *far = net_switch_port(&net_switch, 1);
    return net_switch_port(&net_switch, 2);
}

static void switch_close(struct net_fixture *fixture)
{
    (void)fixture;
    net_switch_close(&net_switch);
}

static struct net_fixture without = {
    .open = switch_open,
    .close = switch_close,
    .held_frames_max = 64,
    .never_full = "a switch drops what finds no room",
};
static struct net_fixture with = {
    .open = switch_open_offloads,
    .close = switch_close,
    .held_frames_max = 64,
    .never_full = "a switch drops what finds no room",
};

NET_SUITE(net_switch, &without)
NET_SUITE(net_switch_offloads, &with)

/* ---- where frames go ---- */

static void open_world(const struct net_switch_options *options)
{
    expect_ok(net_switch_open(&net_switch, options));
    for (size_t i = 0; i < LENGTH_OF(stations); i++)
        net_station_open(&stations[i], net_switch_port(&net_switch, i));
}

static void close_world(void)
{
    for (size_t i = 0; i < LENGTH_OF(stations); i++)
        net_station_close(&stations[i]);
    expect_that(net_switch.pool.free_count, ==, net_switch.pool.count);
    net_switch_close(&net_switch);
}

static const struct mac everyone = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct mac nobody = { { 0x02, 9, 9, 9, 9, 9 } };

static void send(size_t from, const struct mac *source, const struct mac *destination)
{
    uint8_t frame[60] = { 0 };
    (void)span_copy(span_copy(SPAN_OF(frame), VIEW_OF(*destination)), VIEW_OF(*source));
    net_station_send(&stations[from], VIEW_OF(frame));
}

/* Which ports got it, a bit each; and forgets it. */
static unsigned who_got_it(void)
{
    unsigned got = 0;
    (void)fiber_sleep(MS_NS);
    for (size_t i = 0; i < LENGTH_OF(stations); i++) {
        if (stations[i].received.count > 0) got |= 1u << i;
        net_queue_drop_all(&stations[i].received);
    }
    return got;
}

static const struct mac *mac_of(size_t index)
{
    return &stations[index].net->mac;
}

/* IEEE 802.1D 7.7: unknown goes everywhere but back, known to its port alone. */
TEST(net_switch_learns)
{
    open_world(&plain);
    send(0, mac_of(0), mac_of(2));
    expect_that(who_got_it(), ==, 0xe);
    send(2, mac_of(2), mac_of(0));
    expect_that(who_got_it(), ==, 0x1);
    send(0, mac_of(0), mac_of(2));
    expect_that(who_got_it(), ==, 0x4);
    send(1, mac_of(1), &everyone);
    expect_that(who_got_it(), ==, 0xd);
    send(1, mac_of(1), &nobody);
    expect_that(who_got_it(), ==, 0xd);
    /* It stands behind the port that the frame came from: nobody else needs it. */
    send(2, &nobody, mac_of(2));
    expect_that(who_got_it(), ==, 0);
    expect_that(net_switch.statistics.forwarded_frames, ==, 2);
    expect_that(net_switch.statistics.flooded_frames, ==, 3);
    close_world();
}

TEST(net_switch_follows_who_moves)
{
    open_world(&plain);
    send(1, &nobody, &everyone);
    (void)who_got_it();
    send(0, mac_of(0), &nobody);
    expect_that(who_got_it(), ==, 0x2);
    send(3, &nobody, &everyone);
    (void)who_got_it();
    send(0, mac_of(0), &nobody);
    expect_that(who_got_it(), ==, 0x8);
    close_world();
}

TEST(net_switch_forgets)
{
    open_world(&plain);
    send(1, mac_of(1), &everyone);
    (void)who_got_it();
    (void)fiber_sleep(NET_SWITCH_AGE_NS - 10 * MS_NS);
    send(0, mac_of(0), mac_of(1));
    expect_that(who_got_it(), ==, 0x2);
    (void)fiber_sleep(20 * MS_NS);
    send(0, mac_of(0), mac_of(1));
    expect_that(who_got_it(), ==, 0xe);
    close_world();
}

TEST(net_switch_refuses_a_group_as_source)
{
    open_world(&plain);
    send(0, &everyone, mac_of(1));
    expect_that(who_got_it(), ==, 0);
    expect_that(net_switch.statistics.malformed_frames, ==, 1);
    close_world();
}

/* A stranger who invents addresses takes places of the oldest; frames still arrive, flooded. */
TEST(net_switch_survives_invented_addresses)
{
    open_world(&plain);
    send(1, mac_of(1), &everyone);
    (void)who_got_it();
    for (unsigned i = 0; i < 5000; i++) {
        struct mac invented = { { 0x06, (uint8_t)(i >> 8), (uint8_t)i, 1, 2, 3 } };
        send(3, &invented, &invented);
        if (i % 16 == 0) (void)who_got_it();
    }
    (void)who_got_it();
    send(0, mac_of(0), mac_of(1));
    expect_that(who_got_it() & 0x2, ==, 0x2);
    send(1, mac_of(1), mac_of(0));
    expect_that(who_got_it(), ==, 0x1);
    close_world();
}

TEST(net_switch_drops_the_tail)
{
    open_world(&plain);
    send(1, mac_of(1), &everyone);
    (void)who_got_it();
    stations[1].holds_back = true;
    for (unsigned i = 0; i < 100; i++)
        send(0, mac_of(0), mac_of(1));
    expect_that(net_switch.statistics.queue_full_frames, ==, 36);
    expect_that(stations[0].pool.free_count, ==, stations[0].pool.count);
    stations[1].holds_back = false;
    (void)fiber_sleep(MS_NS);
    expect_that(stations[1].received.count, ==, 64);
    net_queue_drop_all(&stations[1].received);
    close_world();
}

TEST(net_switch_drops_without_buffers)
{
    struct net_switch_options small = plain;
    small.packet_count = 16;
    open_world(&small);
    for (size_t i = 1; i < LENGTH_OF(stations); i++)
        stations[i].holds_back = true;
    for (unsigned i = 0; i < 20; i++)
        send(0, mac_of(0), &everyone);
    expect_that(net_switch.statistics.no_buffer_frames, ==, 4);
    for (size_t i = 1; i < LENGTH_OF(stations); i++)
        stations[i].holds_back = false;
    (void)fiber_sleep(MS_NS);
    for (size_t i = 1; i < LENGTH_OF(stations); i++)
        expect_that(stations[i].received.count, ==, 16);
    (void)who_got_it();
    send(0, mac_of(0), &everyone);
    expect_that(who_got_it(), ==, 0xe);
    close_world();
}

/* A sender that goes takes nothing with it: what it sent arrives. */
TEST(net_switch_outlives_who_sent)
{
    open_world(&plain);
    stations[1].holds_back = true;
    send(0, mac_of(0), mac_of(1));
    net_station_close(&stations[0]);
    stations[1].holds_back = false;
    (void)fiber_sleep(MS_NS);
    expect_that(stations[1].received.count, ==, 1);
    net_station_open(&stations[0], net_switch_port(&net_switch, 0));
    close_world();
}
