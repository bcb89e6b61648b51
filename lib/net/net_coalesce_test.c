/* net_coalesce_test.c - which segments become one frame, and which must not.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_coalesce.h"
#include "net/net_cut.h"
#include "net/net_frames.h"
#include "test/test.h"

#define POOL_COUNT 256

#define ACK NET_TCP_ACK
#define PSH NET_TCP_PSH
#define FIN NET_TCP_FIN

static uint8_t scratch[70000];
static struct packet_pool pool;
static struct net_coalesce coalesce;
static struct packet *burst[NET_BURST_MAX];
static size_t burst_count;

static void begin(void)
{
    expect_ok(packet_pool_open(&pool, POOL_COUNT));
    coalesce = (struct net_coalesce){ 0 };
    burst_count = 0;
}

static void end(void)
{
    for (size_t i = 0; i < burst_count; i++)
        packet_drop(burst[i]);
    packet_pool_close(&pool);
}

static struct net_frame plain(uint32_t sequence, uint32_t payload_bytes)
{
    return (struct net_frame){ .sequence = sequence,
                               .acknowledgement = 1,
                               .flags = ACK,
                               .hop_limit = 64,
                               .window = 100,
                               .fragment = 0x4000,
                               .payload_bytes = payload_bytes };
}

static void add(struct net_frame frame)
{
    burst[burst_count++] = net_frame_packet(&frame, &pool, SPAN_OF(scratch));
}

static void coalesce_all(void)
{
    burst_count = net_coalesce_burst(&coalesce, NET_ETHERNET, burst, burst_count);
    for (size_t i = 0; i < NET_COALESCE_PLACES; i++)
        expect(coalesce.places[i].frame == NULL);
}

/* A frame's headers say what is in it, and its bytes are the stream's. */
static void expect_frame(size_t index, uint32_t sequence, uint32_t payload_bytes, uint16_t count,
                         uint8_t flags)
{
    static uint8_t whole[70000];
    struct net_segment segment;
    const struct packet *packet = burst[index];
    expect_that(index, <, burst_count);
    expect(net_segment_parse(packet, NET_ETHERNET, &segment));
    struct net_tcp_header tcp = net_segment_tcp(packet_view(packet), &segment);
    expect_that(__builtin_bswap32(tcp.sequence), ==, sequence);
    expect_that(tcp.flags, ==, flags);
    expect_that(segment.ip_offset + segment.datagram_bytes, ==,
                segment.payload_offset + payload_bytes);
    expect_that(MAX(packet->segment_count, 1), ==, count);
    if (count > 1) {
        expect_that(packet_total_bytes(packet), ==, segment.payload_offset + payload_bytes);
        expect_that(packet->checksum, ==, PACKET_CHECKSUM_GOOD);
        expect_that(packet->segmentation, ==,
                    segment.is_ipv6 ? PACKET_SEGMENT_TCP_IPV6 : PACKET_SEGMENT_TCP_IPV4);
    } else {
        expect_that(packet->segmentation, ==, PACKET_SEGMENT_NONE);
    }
    if (!segment.is_ipv6) {
        struct checksum header = { 0 };
        checksum_add(&header, view_slice(packet_view(packet), 14, 20));
        expect_that(checksum_finish(&header), ==, 0);
    }
    packet_copy_out(packet, segment.payload_offset, span_from(whole, payload_bytes));
    for (uint32_t i = 0; i < payload_bytes; i++)
        expect_that(whole[i], ==, net_frame_byte(sequence + i));
}

TEST(neighbours_become_one)
{
    for (unsigned family = 0; family < 2; family++) {
        begin();
        for (uint32_t i = 0; i < 8; i++) {
            struct net_frame frame = plain(0xfffff000u + i * 1448, i < 7 ? 1448 : 10);
            frame.is_ipv6 = family == 1;
            frame.timestamp = 12345;
            frame.id = (uint16_t)(65533 + i);
            if (i == 7) frame.flags |= PSH;
            add(frame);
        }
        coalesce_all();
        expect_that(burst_count, ==, 1);
        expect_frame(0, 0xfffff000u, 7 * 1448 + 10, 8, ACK | PSH);
        expect_that(burst[0]->segment_bytes, ==, 1448);
        end();
    }
}

TEST(padding_is_not_payload)
{
    begin();
    for (uint32_t i = 0; i < 5; i++) {
        struct net_frame frame = plain(i * 2, 2);
        frame.padding_bytes = 4;
        add(frame);
    }
    coalesce_all();
    expect_that(burst_count, ==, 1);
    expect_frame(0, 0, 10, 5, ACK);
    end();
}

TEST(connections_stay_apart_and_in_order)
{
    begin();
    for (uint32_t i = 0; i < 30; i++) {
        struct net_frame frame = plain(i / 3 * 100, 100);
        frame.connection = (uint8_t)(i % 3);
        add(frame);
    }
    coalesce_all();
    expect_that(burst_count, ==, 3);
    for (size_t i = 0; i < 3; i++)
        expect_frame(i, 0, 1000, 10, ACK);
    end();
}

/* More connections than places: some segments go by themselves, none is lost or overtaken. */
TEST(crowded_connections_stay_in_order)
{
    uint32_t next[32] = { 0 };
    begin();
    for (uint32_t i = 0; i < 64; i++) {
        struct net_frame frame = plain(i / 32 * 100, 100);
        frame.connection = (uint8_t)(i % 32);
        add(frame);
    }
    coalesce_all();
    for (size_t i = 0; i < burst_count; i++) {
        struct net_segment segment;
        expect(net_segment_parse(burst[i], NET_ETHERNET, &segment));
        struct net_tcp_header tcp = net_segment_tcp(packet_view(burst[i]), &segment);
        size_t connection = __builtin_bswap16(tcp.source_port) - 5000u;
        expect_that(__builtin_bswap32(tcp.sequence), ==, next[connection]);
        next[connection] += (uint32_t)packet_total_bytes(burst[i]) - 54;
    }
    for (size_t i = 0; i < LENGTH_OF(next); i++)
        expect_that(next[i], ==, 200);
    end();
}

TEST(the_whole_is_no_longer_than_ip_says)
{
    begin();
    for (uint32_t i = 0; i < 60; i++)
        add(plain(i * 1460, 1460));
    coalesce_all();
    expect_that(burst_count, ==, 2);
    expect_frame(0, 0, 44 * 1460, 44, ACK);
    expect_frame(1, 44 * 1460, 16 * 1460, 16, ACK);
    end();
}

/* Two segments that would be one, but for what `change` does to the second. */
static void expect_apart(void (*change)(struct net_frame *frame), const char *name)
{
    for (unsigned family = 0; family < 2; family++) {
        begin();
        struct net_frame first = plain(0, 100), second = plain(100, 100);
        first.is_ipv6 = second.is_ipv6 = family == 1;
        first.timestamp = second.timestamp = 7;
        add(first);
        if (change != NULL) change(&second);
        add(second);
        coalesce_all();
        if (burst_count != (change == NULL ? 1 : 2))
            test_fail(__FILE__, __LINE__, "%s: %zu frames", name, burst_count);
        if (change != NULL) expect_that(burst[0]->segment_count + burst[1]->segment_count, ==, 0);
        end();
    }
}

#define CHANGES(X) \
    X(gap, second->sequence += 1) \
    X(overlap, second->sequence -= 1) \
    X(longer, second->payload_bytes += 1) \
    X(empty, second->payload_bytes = 0) \
    X(acknowledges_more, second->acknowledgement++) \
    X(other_window, second->window++) \
    X(other_timestamp, second->timestamp++) \
    X(no_options, second->timestamp = 0) \
    X(other_connection, second->connection++) \
    X(ce, second->class = 3) \
    X(other_class, second->class = 0x20) \
    X(other_hop_limit, second->hop_limit--) \
    X(syn, second->flags |= NET_TCP_SYN) \
    X(rst, second->flags |= NET_TCP_RST) \
    X(urgent, second->flags |= NET_TCP_URG) \
    X(cwr, second->flags |= NET_TCP_CWR) \
    X(ece, second->flags |= NET_TCP_ECE) \
    X(no_ack, second->flags = 0) \
    X(wrong, second->wrong_checksum = true)

#define CHANGE_FUNCTION(name, act) \
    static void change_##name(struct net_frame *second) \
    { \
        act; \
    }
CHANGES(CHANGE_FUNCTION)

TEST(whatever_differs_stays_apart)
{
#define CHANGE_EXPECT(name, act) expect_apart(change_##name, #name);
    expect_apart(NULL, "the same");
    CHANGES(CHANGE_EXPECT)
}

TEST(what_ipv4_says_stays_true)
{
    struct net_frame second = plain(100, 100);
    second.fragment = 0; /* DF */
    begin();
    add(plain(0, 100));
    add(second);
    coalesce_all();
    expect_that(burst_count, ==, 2);
    end();
    second.fragment = 0x2000; /* MF: a fragment is none of ours */
    begin();
    add(plain(0, 100));
    add(second);
    coalesce_all();
    expect_that(burst_count, ==, 2);
    expect_that(burst[1]->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
    end();
}

/* PSH, FIN and a short segment end a frame; the next one begins another. */
TEST(a_last_one_is_the_last)
{
    static const uint8_t last[] = { PSH, FIN, 0 };
    for (size_t i = 0; i < LENGTH_OF(last); i++) {
        uint32_t short_bytes = last[i] == 0 ? 1 : 0;
        begin();
        add(plain(0, 100));
        struct net_frame second = plain(100, 100 - short_bytes);
        second.flags |= last[i];
        add(second);
        add(plain(200 - short_bytes, 100));
        add(plain(300 - short_bytes, 100));
        coalesce_all();
        expect_that(burst_count, ==, 2);
        expect_frame(0, 0, 200 - short_bytes, 2, ACK | last[i]);
        expect_frame(1, 200 - short_bytes, 200, 2, ACK);
        end();
    }
}

/* What stands between segments of a connection keeps its place among them. */
TEST(nothing_overtakes)
{
    begin();
    add(plain(0, 100));
    add(plain(100, 100));
    struct net_frame reset = plain(200, 0);
    reset.flags = NET_TCP_RST | ACK;
    add(reset);
    add(plain(200, 100));
    add(plain(300, 100));
    coalesce_all();
    expect_that(burst_count, ==, 3);
    expect_frame(0, 0, 200, 2, ACK);
    expect_frame(1, 200, 0, 1, NET_TCP_RST | ACK);
    expect_frame(2, 200, 200, 2, ACK);
    end();
}

TEST(a_device_is_believed)
{
    begin();
    for (uint32_t i = 0; i < 3; i++) {
        struct net_frame frame = plain(i * 10, 10);
        frame.wrong_checksum = true;
        add(frame);
        burst[i]->checksum = i == 0 ? PACKET_CHECKSUM_PARTIAL : PACKET_CHECKSUM_GOOD;
    }
    coalesce_all();
    expect_that(burst_count, ==, 1);
    expect_frame(0, 0, 30, 3, ACK);
    end();
}

/* A wrong header checksum is for IP to find. */
TEST(a_wrong_ip_header_is_left_alone)
{
    begin();
    add(plain(0, 100));
    add(plain(100, 100));
    packet_span(burst[1]).bytes[14 + 10] ^= 1;
    coalesce_all();
    expect_that(burst_count, ==, 2);
    expect_that(burst[1]->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
    end();
}

/* Cutting what was put together gives back what came. */
TEST(cutting_undoes_it)
{
    uint64_t random = 11;
    for (unsigned round = 0; round < 300; round++) {
        begin();
        size_t count = 2 + test_random(&random) % 30;
        uint32_t segment_bytes = 1 + (uint32_t)(test_random(&random) % 1448);
        static struct net_frame frames[32];
        for (size_t i = 0; i < count; i++) {
            frames[i] = plain((uint32_t)(i * segment_bytes), segment_bytes);
            frames[i].is_ipv6 = round % 2 == 1;
            frames[i].id = (uint16_t)(100 + i);
            frames[i].timestamp = (uint32_t)round;
            if (i == count - 1) {
                frames[i].payload_bytes = 1 + (uint32_t)(test_random(&random) % segment_bytes);
                frames[i].flags |= FIN | PSH;
            }
            add(frames[i]);
        }
        coalesce_all();
        expect_that(burst_count, ==, 1);
        struct net_cut cut;
        expect(net_cut_begin(&cut, burst[0], NET_ETHERNET, false));
        burst_count = 0;
        for (size_t i = 0; i < count; i++) {
            static uint8_t whole[2048];
            struct packet *packet = net_cut_next(&cut, &pool);
            expect(packet != NULL);
            struct view wanted = net_frame_write(&frames[i], SPAN_OF(scratch));
            struct span room = span_from(whole, packet_total_bytes(packet));
            packet_copy_out(packet, 0, room);
            expect(view_equal(span_view(room), wanted));
            packet_drop(packet);
        }
        expect(!net_cut_goes_on(&cut));
        end();
    }
}
