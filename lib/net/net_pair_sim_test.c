/* net_pair_sim_test.c - the conformance suite of nets on pairs and on loops.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_loop.h"
#include "net/net_suite.h"

#define ALL_OFFLOADS \
    (NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 | \
     NET_RECEIVES_CHECKSUMS | NET_RECEIVES_SEGMENTS)

struct pair_fixture {
    struct net_fixture fixture;
    struct net_pair_options options;
    struct net_pair pair;
    struct net_loop loop;
};

static struct net *pair_open(struct net_fixture *fixture, struct net **far)
{
    struct pair_fixture *ours = CONTAINER_OF(fixture, struct pair_fixture, fixture);
    net_pair_open(&ours->pair, &ours->options);
    *far = &ours->pair.b.net;
    return &ours->pair.a.net;
}

static void pair_close(struct net_fixture *fixture)
{
    net_pair_close(&CONTAINER_OF(fixture, struct pair_fixture, fixture)->pair);
}

static struct net *loop_open(struct net_fixture *fixture, struct net **far)
{
    struct pair_fixture *ours = CONTAINER_OF(fixture, struct pair_fixture, fixture);
    net_loop_open(&ours->loop, &ours->options);
    return *far = net_loop_net(&ours->loop);
}

static void loop_close(struct net_fixture *fixture)
{
    net_loop_close(&CONTAINER_OF(fixture, struct pair_fixture, fixture)->loop);
}

static struct pair_fixture pair = {
    .fixture = { .open = pair_open, .close = pair_close, .held_frames_max = 64 },
    .options = { .mtu_bytes = 1500, .ring_count = 64 },
};
static struct pair_fixture pair_offloads = {
    .fixture = { .open = pair_open, .close = pair_close, .held_frames_max = 16 },
    .options = { .mtu_bytes = 9000, .ring_count = 16, .offloads = ALL_OFFLOADS },
};
static struct pair_fixture pair_ip = {
    .fixture = { .open = pair_open, .close = pair_close, .held_frames_max = 64 },
    .options = { .mtu_bytes = 1280, .ring_count = 64, .link = NET_IP },
};
static struct pair_fixture loop = {
    .fixture = { .open = loop_open, .close = loop_close, .held_frames_max = 64 },
    .options = { .mtu_bytes = 1500, .ring_count = 64, .offloads = ALL_OFFLOADS },
};

NET_SUITE(net_pair, &pair.fixture)
NET_SUITE(net_pair_offloads, &pair_offloads.fixture)
NET_SUITE(net_pair_ip, &pair_ip.fixture)
NET_SUITE(net_loop, &loop.fixture)
