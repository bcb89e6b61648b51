/* net_pcap_sim_test.c - the conformance suite of nets through a capture, and the capture read back.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "net/net_frames.h"
#include "net/net_pair.h"
#include "net/net_pcap.h"
#include "net/net_suite.h"
#include "target/clock.h"

#define ALL_OFFLOADS \
    (NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 | \
     NET_RECEIVES_CHECKSUMS | NET_RECEIVES_SEGMENTS)

/* ---- a sink in memory ---- */

static struct {
    struct net_pcap_sink sink;
    uint8_t bytes[1 << 20];
    size_t length_bytes;
    bool is_full; /* keeps no more */
} memory;

static void memory_write(struct net_pcap_sink *sink, struct view bytes)
{
    expect(sink == &memory.sink);
    expect_that(bytes.length_bytes % 4, ==, 0);
    if (memory.is_full || bytes.length_bytes > sizeof memory.bytes - memory.length_bytes) {
        memory.is_full = true;
        return;
    }
    (void)span_copy(span_from_offset(SPAN_OF(memory.bytes), memory.length_bytes), bytes);
    memory.length_bytes += bytes.length_bytes;
}

/* ---- the conformance suite ---- */

static struct net_pair_options pair_options = { .mtu_bytes = 1500,
                                                .ring_count = 64,
                                                .offloads = ALL_OFFLOADS };
static struct net_pcap_options pcap_options = { .name = VIEW_ROW("pair") };
static struct net_pair pair;
static struct net_pcap pcap;

static struct net *pcap_open(struct net_fixture *fixture, struct net **far)
{
    (void)fixture;
    memory.sink.write = memory_write;
    memory.length_bytes = 0;
    memory.is_full = false;
    net_pair_open(&pair, &pair_options);
    expect_ok(net_pcap_open(&pcap, &pair.a.net, &memory.sink, &pcap_options));
    *far = &pair.b.net;
    return &pcap.net;
}

static void pcap_close(struct net_fixture *fixture)
{
    (void)fixture;
    net_pcap_close(&pcap);
    net_pair_close(&pair);
}

static struct net_fixture fixture = { .open = pcap_open,
                                      .close = pcap_close,
                                      .held_frames_max = 64 };

NET_SUITE(net_pcap, &fixture)

/* ---- reading it back, as draft-ietf-opsawg-pcapng says ---- */

struct option {
    uint16_t code;
    struct view value;
};

static struct cursor reader(void)
{
    return cursor_over(view_from(memory.bytes, memory.length_bytes));
}

/* 3.1: type, length, body, length again. */
static struct cursor read_block(struct cursor *from, uint32_t wanted_type)
{
    expect_that(cursor_u32_le(from), ==, wanted_type);
    uint32_t length_bytes = cursor_u32_le(from);
    expect_that(length_bytes % 4, ==, 0);
    struct view body = cursor_take(from, length_bytes - 12);
    expect_that(cursor_u32_le(from), ==, length_bytes);
    expect(!from->ran_short);
    return cursor_over(body);
}

static struct option read_option(struct cursor *from)
{
    struct option option = { .code = cursor_u16_le(from) };
    uint16_t length_bytes = cursor_u16_le(from);
    option.value = cursor_take(from, length_bytes);
    cursor_skip(from, (4u - length_bytes % 4u) % 4u);
    expect(!from->ran_short);
    return option;
}

static void read_head(struct cursor *from, uint16_t link, uint32_t snap_bytes)
{
    struct cursor section = read_block(from, 0x0a0d0d0a);
    expect_that(cursor_u32_le(&section), ==, 0x1a2b3c4d);
    expect_that(cursor_u16_le(&section), ==, 1);
    expect_that(cursor_u16_le(&section), ==, 0);
    expect_that(cursor_u64_le(&section), ==, UINT64_MAX);
    struct option program = read_option(&section);
    expect_that(program.code, ==, 4);
    expect_view(program.value, VIEW("Loom"));
    expect_that(read_option(&section).code, ==, 0);
    expect_that(cursor_left(&section), ==, 0);

    struct cursor description = read_block(from, 1);
    expect_that(cursor_u16_le(&description), ==, link);
    cursor_skip(&description, 2);
    expect_that(cursor_u32_le(&description), ==, snap_bytes);
    struct option name = read_option(&description), unit = read_option(&description);
    expect_that(name.code, ==, 2);
    expect_view(name.value, VIEW("pair"));
    expect_that(unit.code, ==, 9);
    expect_view(unit.value, VIEW("\x09"));
    expect_that(read_option(&description).code, ==, 0);
    expect_that(cursor_left(&description), ==, 0);
}

struct captured {
    uint64_t time_ns;
    uint32_t total_bytes, direction;
    struct view bytes;
};

static struct captured read_packet(struct cursor *from)
{
    struct captured captured;
    struct cursor block = read_block(from, 6);
    expect_that(cursor_u32_le(&block), ==, 0);
    uint32_t high = cursor_u32_le(&block);
    captured.time_ns = (uint64_t)high << 32 | cursor_u32_le(&block);
    uint32_t kept_bytes = cursor_u32_le(&block);
    captured.total_bytes = cursor_u32_le(&block);
    captured.bytes = cursor_take(&block, kept_bytes);
    cursor_skip(&block, (4u - kept_bytes % 4u) % 4u);
    struct option flags = read_option(&block);
    expect_that(flags.code, ==, 2);
    expect_that(flags.value.length_bytes, ==, 4);
    (void)span_copy(SPAN_OF(captured.direction), flags.value);
    expect_that(read_option(&block).code, ==, 0);
    expect_that(cursor_left(&block), ==, 0);
    return captured;
}

static uint8_t scratch[70000], other[70000];

TEST(net_pcap_writes_both_directions)
{
    struct net_world *world = net_suite_open(&fixture);
    uint64_t before_ns = clock_wall_ns();
    for (uint32_t number = 0; number < 20; number++) {
        (void)fiber_sleep(MS_NS);
        net_suite_send(world, number, 46 + number);
        net_suite_expect_sent(world, number, 46 + number);
        net_suite_inject(world,
                         net_suite_frame(world, false, number, 300 + number, SPAN_OF(scratch)));
        net_suite_expect_received(world, number, 300 + number);
    }
    expect_that(pcap.frames, ==, 40);
    struct cursor from = reader();
    read_head(&from, 1, PACKET_TOTAL_MAX);
    for (uint32_t number = 0; number < 20; number++) {
        struct captured out = read_packet(&from), in = read_packet(&from);
        expect_that(out.direction, ==, 2);
        expect_that(in.direction, ==, 1);
        expect(view_equal(out.bytes,
                          net_suite_frame(world, true, number, 46 + number, SPAN_OF(scratch))));
        expect(view_equal(in.bytes,
                          net_suite_frame(world, false, number, 300 + number, SPAN_OF(scratch))));
        expect_that(out.total_bytes, ==, 60 + number);
        expect_that(out.time_ns, >=, before_ns + (number + 1) * MS_NS);
        expect_that(in.time_ns, >=, out.time_ns);
        expect_that(in.time_ns, <, before_ns + (number + 2) * MS_NS + number * MS_NS);
    }
    expect_that(cursor_left(&from), ==, 0);
    net_suite_close(world);
}

/* What the ring refuses has not passed, and is written when it does. */
TEST(net_pcap_writes_what_was_accepted)
{
    struct net_world *world = net_suite_open(&fixture);
    struct packet *burst[NET_BURST_MAX];
    world->far.holds_back = true;
    for (uint32_t i = 0; i < 40; i++)
        net_suite_send(world, i, 60);
    for (uint32_t i = 0; i < 50; i++)
        burst[i] = net_suite_packet(world, 40 + i, 60);
    expect_that(net_send(world->near.net, burst, 50), ==, 24);
    expect_that(pcap.frames, ==, 64);
    for (uint32_t i = 24; i < 50; i++)
        expect_that(burst[i]->payload.references, ==, 1);
    world->far.holds_back = false;
    (void)fiber_sleep(MS_NS);
    expect_that(net_send(world->near.net, &burst[24], 26), ==, 26);
    struct cursor from = reader();
    read_head(&from, 1, PACKET_TOTAL_MAX);
    for (uint32_t i = 0; i < 90; i++) {
        struct captured out = read_packet(&from);
        expect(view_equal(out.bytes, net_suite_frame(world, true, i, 60, SPAN_OF(scratch))));
    }
    expect_that(cursor_left(&from), ==, 0);
    net_suite_close(world);
}

TEST(net_pcap_keeps_so_much_of_each)
{
    pcap_options.snap_bytes = 67;
    struct net_world *world = net_suite_open(&fixture);
    net_suite_send(world, 1, 1000);
    net_suite_send(world, 2, 50);
    struct cursor from = reader();
    read_head(&from, 1, 67);
    struct captured cut = read_packet(&from), whole = read_packet(&from);
    expect_that(cut.total_bytes, ==, 1014);
    expect(view_equal(cut.bytes,
                      view_first(net_suite_frame(world, true, 1, 1000, SPAN_OF(scratch)), 67)));
    expect_that(whole.total_bytes, ==, 64);
    expect_that(whole.bytes.length_bytes, ==, 64);
    net_suite_close(world);
    pcap_options.snap_bytes = 0;
}

/* Half a checksum is written as it is, or mended in the capture alone. */
TEST(net_pcap_completes_in_the_copy)
{
    const struct net_frame frame = { .hop_limit = 9, .payload_bytes = 30001, .flags = 0x10 };
    for (unsigned round = 0; round < 2; round++) {
        pcap_options.completes_checksums = round == 1;
        struct net_world *world = net_suite_open(&fixture);
        struct view wanted = net_frame_write(&frame, SPAN_OF(scratch));
        struct packet *packet = packet_take(&world->near.pool, PACKET_FOR_CONTROL);
        struct span head = packet_put(packet, 54);
        const struct net_segment segment = { .ip_offset = 14, .tcp_offset = 34 };
        (void)span_copy(head, view_first(wanted, 54));
        packet_borrow(packet, view_from_offset(wanted, 54), NULL);
        struct checksum half = net_segment_pseudo_header(wanted, &segment, 20 + 30001);
        uint16_t field = checksum_fold(&half);
        (void)span_copy(span_from_offset(head, 50), VIEW_OF(field));
        packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
        packet->segment_bytes = 1000;
        packet->checksum = PACKET_CHECKSUM_PARTIAL;
        packet->checksum_start = (uint16_t)(packet->offset + 34);
        packet->checksum_offset = (uint16_t)(packet->offset + 50);
        expect_that(net_send(world->near.net, &packet, 1), ==, 1);
        struct cursor from = reader();
        read_head(&from, 1, PACKET_TOTAL_MAX);
        struct captured out = read_packet(&from);
        (void)span_copy(SPAN_OF(other), wanted);
        if (round == 0) (void)span_copy(span_from_offset(SPAN_OF(other), 50), VIEW_OF(field));
        expect(view_equal(out.bytes, view_first(VIEW_OF(other), wanted.length_bytes)));
        (void)fiber_sleep(MS_NS);
        expect_that(world->far.received.first->checksum, ==, PACKET_CHECKSUM_PARTIAL);
        net_suite_close(world);
    }
    pcap_options.completes_checksums = false;
}

/* LINKTYPE_RAW: IP without anything before it. */
TEST(net_pcap_of_bare_ip)
{
    pair_options.link = NET_IP;
    struct net_world *world = net_suite_open(&fixture);
    net_suite_send(world, 1, 100);
    struct cursor from = reader();
    read_head(&from, 101, PACKET_TOTAL_MAX);
    expect_that(view_byte(read_packet(&from).bytes, 0), ==, 0x45);
    net_suite_close(world);
    pair_options.link = NET_ETHERNET;
}

/* net.h: its user is told once when the link has gone down, and once when it has come up. */
TEST(net_pcap_follows_the_link)
{
    struct net_world *world = net_suite_open(&fixture);
    for (unsigned round = 1; round <= 4; round++) {
        pair.a.net.is_down = round % 2 == 1;
        size_t before = world->near.ready_count;
        pair.a.net.user->ready(pair.a.net.user);
        expect(pcap.net.is_down == pair.a.net.is_down);
        expect_that(world->near.ready_count, ==, before + 1);
    }
    net_suite_close(world);
}
