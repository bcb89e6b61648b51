/* net_faulty_sim_test.c - a bad wire is as bad as its plan says, and the same again with the seed.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_faulty.h"
#include "net/net_frames.h"
#include "net/net_pair.h"
#include "net/net_suite.h"
#include "target/clock.h"

#define ALL_OFFLOADS \
    (NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 | \
     NET_RECEIVES_CHECKSUMS | NET_RECEIVES_SEGMENTS)

/* Timers are due within a tick, and the loop turns in between. */
#define SLACK_NS (4 * US_NS)

static struct net_pair pair;
static struct net_faulty faulty;

/* ---- the conformance suite, with no faults and with a delay ---- */

static struct net_pair_options pair_options = { .mtu_bytes = 1500, .ring_count = 64 };
static struct net_faulty_options options = { .seed = 1, .packet_count = 4096 };

static struct net *faulty_open(struct net_fixture *fixture, struct net **far)
{
    (void)fixture;
    net_pair_open(&pair, &pair_options);
    expect_ok(net_faulty_open(&faulty, &pair.a.net, &options));
    *far = &pair.b.net;
    return &faulty.net;
}

static struct net *faulty_open_slow(struct net_fixture *fixture, struct net **far)
{
    struct net *near = faulty_open(fixture, far);
    faulty.send.plan.delay_ns = faulty.receive.plan.delay_ns = MS_NS;
    faulty.send.plan.jitter_ns = 3 * MS_NS;
    faulty.send.plan.rate_bits = faulty.receive.plan.rate_bits = 1000000000;
    return near;
}

static void faulty_close(struct net_fixture *fixture)
{
    (void)fixture;
    net_faulty_close(&faulty);
    net_pair_close(&pair);
}

static struct net_fixture flawless = {
    .open = faulty_open,
    .close = faulty_close,
    .held_frames_max = 64,
    .never_full = "a wire drops what finds no room",
};
static struct net_fixture slow = {
    .open = faulty_open_slow,
    .close = faulty_close,
    .held_frames_max = 64,
    .never_full = "a wire drops what finds no room",
};

NET_SUITE(net_faulty, &flawless)
NET_SUITE(net_faulty_slow, &slow)

/* ---- faults ---- */

static uint8_t scratch[UINT16_MAX];

/* Numbered frames of 100 bytes; which of them came, in which order and when. */
struct log {
    uint32_t numbers[4096];
    uint64_t times_ns[4096];
    size_t count;
};

static struct log arrived;

static struct net_world *begin(void)
{
    arrived.count = 0;
    return net_suite_open(&flawless);
}

static uint32_t number_in(const struct packet *packet)
{
    uint32_t number;
    packet_copy_out(packet, 14, SPAN_OF(number));
    return __builtin_bswap32(number);
}

static void take_all(struct net_station *station)
{
    for (;;) {
        struct packet *packet = net_queue_take(&station->received);
        if (packet == NULL) return;
        arrived.numbers[arrived.count] = number_in(packet);
        arrived.times_ns[arrived.count++] = clock_monotonic_ns();
        packet_drop(packet);
    }
}

static void take_until(struct net_world *world, uint64_t end_ns)
{
    while (clock_monotonic_ns() < end_ns) {
        (void)fiber_sleep(US_NS);
        take_all(&world->far);
    }
}

/* Sends so many, one each `apart_ns`, and waits for what comes within `more_ns` after the last. */
static void send_many(struct net_world *world, uint32_t count, uint64_t apart_ns, uint64_t more_ns)
{
    uint64_t next_ns = clock_monotonic_ns();
    for (uint32_t number = 0; number < count; number++) {
        net_suite_send(world, number, 100);
        next_ns += apart_ns;
        take_until(world, next_ns);
    }
    take_until(world, clock_monotonic_ns() + more_ns);
}

TEST(net_faulty_loses_as_many)
{
    struct net_world *world = begin();
    static struct log first;
    faulty.send.plan.loss_per_million = 50000;
    send_many(world, 4000, US_NS, MS_NS);
    expect_that(arrived.count, >, 3740);
    expect_that(arrived.count, <, 3860);
    expect_that(faulty.send.statistics.lost_frames, ==, 4000 - arrived.count);
    expect_that(faulty.receive.statistics.lost_frames, ==, 0);
    first = arrived;
    net_suite_close(world);

    /* The same seed loses the same, whatever else is wrong with the wire. */
    world = begin();
    faulty.send.plan.loss_per_million = 50000;
    faulty.send.plan.jitter_ns = MS_NS;
    faulty.send.plan.corrupt_per_million = 0;
    send_many(world, 4000, US_NS, 2 * MS_NS);
    expect_that(arrived.count, ==, first.count);
    for (size_t i = 0; i < first.count; i++)
        expect_that(arrived.numbers[i], ==, first.numbers[i]);
    net_suite_close(world);

    options.seed = 2;
    world = begin();
    faulty.send.plan.loss_per_million = 50000;
    send_many(world, 4000, US_NS, MS_NS);
    size_t same = 0;
    while (same < first.count && arrived.numbers[same] == first.numbers[same])
        same++;
    expect_that(same, <, 200);
    net_suite_close(world);
    options.seed = 1;
}

TEST(net_faulty_parts_and_heals)
{
    struct net_world *world = begin();
    faulty.send.plan.loss_per_million = 1000000;
    send_many(world, 100, US_NS, MS_NS);
    expect_that(arrived.count, ==, 0);
    net_suite_inject(world, net_suite_frame(world, false, 7, 100, SPAN_OF(scratch)));
    net_suite_expect_received(world, 7, 100);
    faulty.send.plan.loss_per_million = 0;
    send_many(world, 100, US_NS, MS_NS);
    expect_that(arrived.count, ==, 100);
    net_suite_close(world);
}

/* Gilbert and Elliott: a burst begins with one frame in 100 and lasts ten on average. */
TEST(net_faulty_loses_in_bursts)
{
    struct net_world *world = begin();
    faulty.send.plan.burst_begins_per_million = 10000;
    faulty.send.plan.burst_ends_per_million = 100000;
    faulty.send.plan.burst_loss_per_million = 1000000;
    send_many(world, 4000, US_NS, MS_NS);
    size_t bursts = 0;
    for (size_t i = 1; i < arrived.count; i++)
        bursts += arrived.numbers[i] != arrived.numbers[i - 1] + 1;
    size_t lost = 4000 - arrived.count;
    expect_that(lost, >, 200);
    expect_that(lost, <, 600);
    expect_that(lost, >=, 6 * bursts);
    expect_that(lost, <=, 15 * bursts);
    net_suite_close(world);
}

TEST(net_faulty_delays_to_the_tick)
{
    struct net_world *world = begin();
    faulty.send.plan.delay_ns = 25 * MS_NS;
    for (uint32_t number = 0; number < 5; number++) {
        uint64_t sent_ns = clock_monotonic_ns();
        arrived.count = 0;
        net_suite_send(world, number, 100);
        while (arrived.count == 0) {
            (void)fiber_sleep(US_NS);
            take_all(&world->far);
        }
        uint64_t took_ns = arrived.times_ns[0] - sent_ns;
        expect_that(took_ns, >=, 25 * MS_NS);
        expect_that(took_ns, <=, 25 * MS_NS + 2 * SLACK_NS);
    }
    net_suite_close(world);
}

TEST(net_faulty_jitter_keeps_order)
{
    struct net_world *world = begin();
    faulty.send.plan.delay_ns = MS_NS;
    faulty.send.plan.jitter_ns = 10 * MS_NS;
    send_many(world, 500, 100 * US_NS, 20 * MS_NS);
    expect_that(arrived.count, ==, 500);
    uint64_t gap_max_ns = 0;
    for (size_t i = 0; i < 500; i++) {
        expect_that(arrived.numbers[i], ==, i);
        if (i > 0) gap_max_ns = MAX(gap_max_ns, arrived.times_ns[i] - arrived.times_ns[i - 1]);
    }
    expect_that(gap_max_ns, >, 300 * US_NS);
    net_suite_close(world);
}

TEST(net_faulty_reorders)
{
    struct net_world *world = begin();
    faulty.send.plan.delay_ns = MS_NS;
    faulty.send.plan.reorder_per_million = 100000;
    faulty.send.plan.reorder_ns = 5 * MS_NS;
    send_many(world, 1000, 100 * US_NS, 20 * MS_NS);
    expect_that(arrived.count, ==, 1000);
    size_t late = 0;
    uint32_t latest = 0;
    for (size_t i = 0; i < 1000; i++) {
        late += arrived.numbers[i] < latest;
        latest = MAX(latest, arrived.numbers[i]);
    }
    expect_that(late, >=, 60);
    expect_that(late, <=, 140);
    expect_that(late, <=, faulty.send.statistics.reordered_frames);
    net_suite_close(world);
}

TEST(net_faulty_duplicates)
{
    struct net_world *world = begin();
    faulty.send.plan.duplicate_per_million = 200000;
    send_many(world, 1000, US_NS, MS_NS);
    expect_that(arrived.count, ==, 1000 + faulty.send.statistics.duplicated_frames);
    expect_that(arrived.count, >, 1140);
    expect_that(arrived.count, <, 1260);
    net_suite_close(world);
}

TEST(net_faulty_turns_one_bit)
{
    struct net_world *world = begin();
    static uint8_t wanted[256], came[256];
    size_t places[8] = { 0 };
    faulty.send.plan.corrupt_per_million = 1000000;
    for (uint32_t number = 0; number < 400; number++) {
        struct packet *packet = net_suite_packet(world, number, 100);
        packet_copy_out(packet, 0, span_from(wanted, 114));
        expect_that(net_send(world->near.net, &packet, 1), ==, 1);
        (void)fiber_sleep(100 * US_NS);
        packet = net_queue_take(&world->far.received);
        packet_copy_out(packet, 0, span_from(came, 114));
        packet_drop(packet);
        unsigned turned = 0;
        for (size_t i = 0; i < 114; i++) {
            turned += (unsigned)__builtin_popcount(wanted[i] ^ came[i]);
            if (wanted[i] != came[i]) places[i / 15]++;
        }
        expect_that(turned, ==, 1);
    }
    for (size_t i = 0; i < LENGTH_OF(places); i++)
        expect_that(places[i], >, 20);
    net_suite_close(world);
}

/* 10 Mbit/s: a frame of 114 bytes, 138 on the wire, takes 110.4 us. */
TEST(net_faulty_keeps_a_rate)
{
    struct net_world *world = begin();
    faulty.send.plan.rate_bits = 10000000;
    faulty.send.plan.queue_frames_max = 50;
    send_many(world, 80, 0, 20 * MS_NS);
    expect_that(arrived.count, ==, 50);
    expect_that(faulty.send.statistics.queue_full_frames, ==, 30);
    for (size_t i = 1; i < arrived.count; i++) {
        uint64_t gap_ns = arrived.times_ns[i] - arrived.times_ns[i - 1];
        expect_that(gap_ns, >=, 110400 - SLACK_NS);
        expect_that(gap_ns, <=, 110400 + SLACK_NS);
    }
    uint64_t all_ns = arrived.times_ns[49] - arrived.times_ns[0];
    expect_that(all_ns, >=, 49 * (uint64_t)110400 - SLACK_NS);
    expect_that(all_ns, <=, 49 * (uint64_t)110400 + SLACK_NS);

    arrived.count = 0;
    faulty.send.plan.queue_frames_max = 0;
    faulty.send.plan.queue_bytes_max = 1140;
    send_many(world, 80, 0, 20 * MS_NS);
    expect_that(arrived.count, ==, 10);
    net_suite_close(world);
}

static void expect_marks(bool is_ipv6, uint8_t ecn, size_t wanted)
{
    struct net_world *world = begin();
    struct net_frame frame = { .is_ipv6 = is_ipv6, .class = (uint8_t)(0xb8 | ecn), .hop_limit = 9 };
    frame.payload_bytes = 100;
    faulty.send.plan.rate_bits = 10000000;
    faulty.send.plan.mark_bytes = 1000;
    size_t frame_bytes = net_frame_head_bytes(&frame) + 100, marked = 0;
    for (unsigned i = 0; i < 20; i++)
        net_station_send(&world->near, net_frame_write(&frame, SPAN_OF(scratch)));
    (void)fiber_sleep(10 * MS_NS);
    expect_that(world->far.received.count, ==, 20);
    for (size_t i = 0; i < 20; i++) {
        static uint8_t room[256];
        struct span came = span_from(room, frame_bytes);
        struct packet *packet = net_queue_take(&world->far.received);
        struct net_frame ce = frame;
        ce.class |= 3;
        packet_copy_out(packet, 0, came);
        packet_drop(packet);
        bool is_marked = view_equal(span_view(came), net_frame_write(&ce, SPAN_OF(scratch)));
        if (!is_marked)
            expect(view_equal(span_view(came), net_frame_write(&frame, SPAN_OF(scratch))));
        /* What finds 1000 bytes before it, and no other, is marked. */
        if (wanted > 0) expect_that(is_marked, ==, i * frame_bytes >= 1000);
        marked += is_marked;
    }
    expect_that(marked, ==, wanted);
    expect_that(faulty.send.statistics.marked_frames, ==, wanted);
    net_suite_close(world);
}

/* RFC 3168 5: CE for who can, never for who cannot; RFC 1624 for the checksum. */
TEST(net_faulty_marks_ce)
{
    expect_marks(false, 0, 0);
    expect_marks(false, 1, 20 - 7); /* seven of 154 bytes make 1000 */
    expect_marks(false, 2, 20 - 7);
    expect_marks(true, 0, 0);
    expect_marks(true, 2, 20 - 6); /* six of 174 */
}

TEST(net_faulty_swallows_what_is_too_long)
{
    struct net_world *world = begin();
    faulty.send.plan.mtu_bytes = 1000;
    net_suite_send(world, 1, 1001);
    net_suite_send(world, 2, 1000);
    net_suite_expect_sent(world, 2, 1000);
    expect_that(faulty.send.statistics.too_long_frames, ==, 1);
    net_suite_close(world);
}

TEST(net_faulty_is_bounded_by_its_buffers)
{
    options.packet_count = 32;
    struct net_world *world = begin();
    faulty.send.plan.delay_ns = S_NS;
    send_many(world, 100, 0, 2 * S_NS);
    expect_that(arrived.count, ==, 32);
    expect_that(faulty.send.statistics.no_buffer_frames, ==, 68);
    expect_that(world->near.pool.free_count, ==, world->near.pool.count);
    net_suite_close(world);
    options.packet_count = 4096;
}

/* What a neighbour hands over in one piece meets its fate frame by frame. */
TEST(net_faulty_cuts_what_was_no_frame_of_the_wire)
{
    pair_options.offloads = ALL_OFFLOADS;
    struct net_world *world = begin();
    const struct net_frame frame = { .hop_limit = 9, .payload_bytes = 20000, .flags = 0x10 };
    struct view bytes = net_frame_write(&frame, SPAN_OF(scratch));
    struct packet *packet = packet_take(&world->far.pool, PACKET_FOR_CONTROL);
    (void)span_copy(packet_put(packet, 54), view_first(bytes, 54));
    packet_borrow(packet, view_from_offset(bytes, 54), NULL);
    packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
    packet->segment_bytes = 1000;
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(packet->offset + 34);
    packet->checksum_offset = (uint16_t)(packet->offset + 50);
    faulty.receive.plan.loss_per_million = 300000;
    expect_that(net_send(world->far.net, &packet, 1), ==, 1);
    (void)fiber_sleep(MS_NS);
    size_t came = world->near.received.count;
    expect_that(came, ==, 20 - faulty.receive.statistics.lost_frames);
    expect_that(came, >, 5);
    expect_that(came, <, 20);
    for (size_t i = 0; i < came; i++) {
        packet = net_queue_take(&world->near.received);
        expect_that(packet_total_bytes(packet), ==, 1054);
        expect_that(packet->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
        struct net_segment segment;
        expect(net_segment_parse(packet, NET_ETHERNET, &segment));
        struct checksum checksum = net_segment_pseudo_header(packet_view(packet), &segment, 1020);
        checksum_add_packet(&checksum, packet, 34);
        expect_that(checksum_finish(&checksum), ==, 0);
        packet_drop(packet);
    }
    net_suite_close(world);
    pair_options.offloads = 0;
}

/* The same seed, the same arrivals to the nanosecond. */
TEST(net_faulty_is_the_same_again)
{
    static struct log first;
    uint64_t start_ns[2];
    for (unsigned run = 0; run < 2; run++) {
        struct net_world *world = begin();
        faulty.send.plan = (struct net_faulty_plan){
            .loss_per_million = 20000,
            .duplicate_per_million = 10000,
            .corrupt_per_million = 10000,
            .delay_ns = MS_NS,
            .jitter_ns = MS_NS,
            .reorder_per_million = 20000,
            .reorder_ns = 2 * MS_NS,
            .rate_bits = 20000000,
            .queue_bytes_max = 5000,
        };
        /* From a whole tick on, so that timers fall alike. */
        (void)fiber_sleep_until((clock_monotonic_ns() / S_NS + 1) * S_NS);
        start_ns[run] = clock_monotonic_ns();
        send_many(world, 2000, 50 * US_NS, 20 * MS_NS);
        if (run == 0) first = arrived;
        net_suite_close(world);
    }
    expect_that(arrived.count, ==, first.count);
    for (size_t i = 0; i < first.count; i++) {
        expect_that(arrived.numbers[i], ==, first.numbers[i]);
        expect_that(arrived.times_ns[i] - start_ns[1] + SLACK_NS, >=,
                    first.times_ns[i] - start_ns[0]);
        expect_that(arrived.times_ns[i] - start_ns[1], <=,
                    first.times_ns[i] - start_ns[0] + SLACK_NS);
    }
}

/* net.h: its user is told once when the link has gone down, and once when it has come up. */
TEST(net_faulty_follows_the_link)
{
    struct net_world *world = begin();
    for (unsigned round = 1; round <= 4; round++) {
        pair.a.net.is_down = round % 2 == 1;
        size_t before = world->near.ready_count;
        pair.a.net.user->ready(pair.a.net.user);
        expect(faulty.net.is_down == pair.a.net.is_down);
        expect_that(world->near.ready_count, ==, before + 1);
    }
    net_suite_close(world);
}
