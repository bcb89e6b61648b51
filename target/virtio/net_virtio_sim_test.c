/* net_virtio_sim_test.c - the conformance suite of nets over network cards of every kind.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_suite.h"
#include "packet/checksum.h"
#include "target/virtio/card_suite.h"
#include "target/virtio/net_virtio.h"

#define CHECKSUMS (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)
#define SEGMENTS \
    (VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN | \
     VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN)
#define ADDRESSED (VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU)

struct card_fixture {
    struct net_fixture fixture;
    uint64_t offered;
    uint16_t mtu_bytes;
};

static struct card_suite card;
static struct net_virtio net;
static struct machine_device_suite *const devices[] = { &card.device };

static struct net *card_open(struct net_fixture *fixture, struct net **far)
{
    struct card_fixture *ours = CONTAINER_OF(fixture, struct card_fixture, fixture);
    (void)far;
    card_suite_init(&card, ours->offered, ours->mtu_bytes);
    machine_suite_open(devices, LENGTH_OF(devices));
    expect_ok(net_virtio_open(&net, VIEW("net")));
    return &net.net;
}

static void card_close(struct net_fixture *fixture)
{
    (void)fixture;
    expect(!net.device.is_broken);
    net_virtio_close(&net);
    machine_suite_close();
}

static void card_inject(struct net_fixture *fixture, struct view frame)
{
    const struct virtio_net_header none = { 0 };
    (void)fixture;
    card_suite_inject(&card, &none, frame);
}

/* RFC 1071, over what stands in the field already. */
static void complete(struct span frame, const struct virtio_net_header *header)
{
    struct checksum checksum = { 0 };
    struct span summed = span_from_offset(frame, header->checksum_start);
    checksum_add(&checksum, span_view(summed));
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(summed, header->checksum_offset), VIEW_OF(sum));
}

static size_t card_collect(struct net_fixture *fixture, struct span room)
{
    struct virtio_net_header header;
    (void)fixture;
    size_t length_bytes = card_suite_collect(&card, &header, room);
    if (length_bytes > 0 && header.flags != 0) complete(span_first(room, length_bytes), &header);
    return length_bytes;
}

#define CARD(features, mtu) \
    { \
        .fixture = { .open = card_open, \
                     .close = card_close, \
                     .inject = card_inject, \
                     .collect = card_collect, \
                     .held_frames_max = 64 }, \
        .offered = (features), .mtu_bytes = (mtu) \
    }

static struct card_fixture plain = CARD(ADDRESSED, 1500);
static struct card_fixture bare = CARD(0, 0);
static struct card_fixture jumbo = CARD(ADDRESSED, 9000);
static struct card_fixture merging = CARD(ADDRESSED | VIRTIO_NET_F_MRG_RXBUF, 9000);
static struct card_fixture chains = CARD(ADDRESSED | CHECKSUMS | SEGMENTS, 1500);
static struct card_fixture full = CARD(
    ADDRESSED | CHECKSUMS | SEGMENTS | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_F_EVENT_IDX, 1500);
static struct card_fixture linked = CARD(ADDRESSED | CHECKSUMS | SEGMENTS | VIRTIO_NET_F_MRG_RXBUF |
                                             VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_STATUS,
                                         1500);
static struct card_fixture old = CARD(
    ADDRESSED | CHECKSUMS | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_MRG_RXBUF, 1500);

NET_SUITE(net_virtio_plain, &plain.fixture)
NET_SUITE(net_virtio_bare, &bare.fixture)
NET_SUITE(net_virtio_jumbo, &jumbo.fixture)
NET_SUITE(net_virtio_merging, &merging.fixture)
NET_SUITE(net_virtio_chains, &chains.fixture)
NET_SUITE(net_virtio_full, &full.fixture)
NET_SUITE(net_virtio_linked, &linked.fixture)
NET_SUITE(net_virtio_old, &old.fixture)
