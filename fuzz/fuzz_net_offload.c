/* fuzz_net_offload.c - software offloads fed any frames, both ways.
 *
 * The input is a burst of frames that come from a net below: each with a byte that says what the
 * device claims of it and what is mended of it first (a parser that only sees wrong checksums does
 * little), and its length. What net_offload makes of them is sent down again through it, into a
 * ring that takes as many at a time as the input says. No byte of payload may be lost, doubled or
 * moved to another sequence number; what is not TCP passes untouched; every frame that goes down is
 * of one segment; and every buffer comes back.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_offload.h"

#include "base/cursor.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define POOL_COUNT 4096

enum {
    MEND_IPV4 = 1 << 0,     /* the IPv4 header's checksum and length */
    MEND_TCP = 1 << 1,      /* the TCP checksum */
    CLAIM_GOOD = 1 << 2,    /* the device says so */
    REPEAT = 1 << 3,        /* the frame before this once more, further along by its payload */
    IN_PIECES = 1 << 4,     /* the frame's end in a buffer of its own */
    SPLITS_HEADERS = 1 << 5 /* and that begins early */
};

/* ---- the net below ---- */

struct below {
    struct net net;
    struct packet *incoming[NET_BURST_MAX];
    size_t incoming_count;
    size_t takes; /* frames a call */
};

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

/* What a frame carries: of a TCP segment a sum that each byte of its payload weighs into by its
 * sequence number and its connection; of others their number and length. */
struct tally {
    uint64_t weight, other_bytes;
    size_t other_frames;
};

static void weigh(struct tally *tally, const struct packet *frame)
{
    static uint8_t whole[PACKET_TOTAL_MAX];
    struct net_segment segment;
    size_t total_bytes = packet_total_bytes(frame);
    if (!net_segment_parse(frame, NET_ETHERNET, &segment)) {
        tally->other_frames++;
        tally->other_bytes += total_bytes;
        return;
    }
    struct span room = span_first(SPAN_OF(whole), total_bytes);
    packet_copy_out(frame, 0, room);
    struct view view = span_view(room);
    struct net_tcp_header tcp = net_segment_tcp(view, &segment);
    uint64_t key = (uint64_t)tcp.source_port << 48 | (uint64_t)tcp.destination_port << 32;
    uint32_t sequence = __builtin_bswap32(tcp.sequence);
    size_t end = segment.ip_offset + segment.datagram_bytes;
    for (size_t i = segment.payload_offset; i < end; i++, sequence++)
        tally->weight += mix(key | sequence) * view_byte(view, i);
}

static struct tally sent;

static void below_attach(struct net *net)
{
    (void)net;
}

static void below_detach(struct net *net)
{
    (void)net;
}

static size_t below_send(struct net *net, struct packet *burst[], size_t count)
{
    struct below *below = CONTAINER_OF(net, struct below, net);
    size_t taken = MIN(count, below->takes);
    for (size_t i = 0; i < taken; i++) {
        assert_that(burst[i]->segmentation, ==, PACKET_SEGMENT_NONE);
        assert(burst[i]->checksum != PACKET_CHECKSUM_PARTIAL);
        weigh(&sent, burst[i]);
        packet_drop(burst[i]);
    }
    return taken;
}

static size_t below_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct below *below = CONTAINER_OF(net, struct below, net);
    size_t given = MIN(count, below->incoming_count);
    for (size_t i = 0; i < given; i++)
        burst[i] = below->incoming[i];
    below->incoming_count = 0;
    return given;
}

static const struct net_ops below_ops = NET_OPS(below);

/* ---- frames ---- */

static void mend(struct span frame, uint8_t what)
{
    struct net_segment segment;
    struct packet_pool pool;
    enum result result = packet_pool_open(&pool, 16);
    assert_that(result, ==, OK);
    struct packet *packet = packet_take(&pool, PACKET_FOR_CONTROL);
    (void)span_copy(packet_put(packet, frame.length_bytes), span_view(frame));
    bool parsed = net_segment_parse(packet, NET_ETHERNET, &segment);
    packet_drop(packet);
    packet_pool_close(&pool);
    if (!parsed) return;
    if ((what & MEND_IPV4) != 0) {
        segment.datagram_bytes = (uint32_t)frame.length_bytes - segment.ip_offset;
        net_segment_set_length(frame, &segment, segment.datagram_bytes);
    }
    if ((what & MEND_TCP) == 0) return;
    size_t tcp_bytes = segment.ip_offset + segment.datagram_bytes - segment.tcp_offset;
    struct span tcp = span_first(span_from_offset(frame, segment.tcp_offset), tcp_bytes);
    struct span field = span_first(span_from_offset(tcp, 16), 2);
    span_fill(field, 0);
    struct checksum checksum = net_segment_pseudo_header(span_view(frame), &segment, tcp_bytes);
    checksum_add(&checksum, span_view(tcp));
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(field, VIEW_OF(sum));
}

/* Moves a frame's sequence number behind its payload, so that it follows itself. */
static void advance(struct span frame, const struct net_segment *segment)
{
    uint32_t sequence;
    struct span field = span_first(span_from_offset(frame, segment->tcp_offset + 4u), 4);
    (void)span_copy(SPAN_OF(sequence), span_view(field));
    sequence = __builtin_bswap32(__builtin_bswap32(sequence) + segment->ip_offset +
                                 segment->datagram_bytes - segment->payload_offset);
    (void)span_copy(field, VIEW_OF(sequence));
}

static struct packet *packet_of(struct packet_pool *pool, struct view frame, uint8_t kind)
{
    struct packet *packet = packet_take(pool, PACKET_FOR_CONTROL);
    size_t first_bytes = frame.length_bytes;
    if ((kind & IN_PIECES) != 0) first_bytes /= 2;
    if ((kind & SPLITS_HEADERS) != 0) first_bytes = MIN(frame.length_bytes, 40);
    (void)span_copy(packet_put(packet, first_bytes), view_first(frame, first_bytes));
    if (first_bytes < frame.length_bytes) {
        packet->rest = packet_take(pool, PACKET_FOR_CONTROL);
        (void)span_copy(packet_put(packet->rest, frame.length_bytes - first_bytes),
                        view_from_offset(frame, first_bytes));
    }
    if ((kind & CLAIM_GOOD) != 0) packet->checksum = PACKET_CHECKSUM_GOOD;
    return packet;
}

static struct packet *take_frame(struct packet_pool *pool, struct cursor *cursor)
{
    static uint8_t bytes[1600];
    static size_t before_bytes;
    uint8_t kind = cursor_u8(cursor);
    if ((kind & REPEAT) != 0 && before_bytes > 0) {
        struct net_segment segment;
        struct span frame = span_first(SPAN_OF(bytes), before_bytes);
        struct packet *packet = packet_of(pool, span_view(frame), 0);
        if (net_segment_parse(packet, NET_ETHERNET, &segment)) advance(frame, &segment);
        packet_drop(packet);
        mend(frame, kind);
        return packet_of(pool, span_view(frame), kind);
    }
    size_t wanted_bytes = cursor_u16_le(cursor) % sizeof bytes, left_bytes = cursor_left(cursor);
    struct view view = cursor_take(cursor, MIN(wanted_bytes, left_bytes));
    before_bytes = view.length_bytes;
    struct span frame = span_first(SPAN_OF(bytes), before_bytes);
    (void)span_copy(frame, view);
    mend(frame, kind);
    return packet_of(pool, span_view(frame), kind);
}

/* ---- the run ---- */

static void user_ready(struct net_user *user)
{
    (void)user;
}

static bool same(const struct tally *one, const struct tally *other)
{
    return one->weight == other->weight && one->other_bytes == other->other_bytes &&
           one->other_frames == other->other_frames;
}

/* As one who forwards them: a frame of many segments has half a checksum, in place. */
static void prepare(struct packet *frame)
{
    struct net_segment segment;
    if (frame->segmentation == PACKET_SEGMENT_NONE) return;
    bool parsed = net_segment_parse(frame, NET_ETHERNET, &segment);
    assert(parsed);
    frame->checksum = PACKET_CHECKSUM_PARTIAL;
    frame->checksum_start = (uint16_t)(frame->offset + segment.tcp_offset);
    frame->checksum_offset = (uint16_t)(frame->checksum_start + 16);
}

static void forward(struct net_offload *offload, struct packet *burst[], size_t count)
{
    struct packet *none[1];
    size_t done = 0;
    for (size_t i = 0; i < count; i++)
        prepare(burst[i]);
    while (done < count)
        done += net_send(&offload->net, &burst[done], count - done);
    while (offload->staged_count > 0 || net_cut_goes_on(&offload->cut)) {
        size_t received = net_receive(&offload->net, none, 1);
        assert_that(received, ==, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    static struct below below;
    static struct net_offload offload;
    struct packet_pool pool;
    struct net_user user = { user_ready };
    struct packet *burst[NET_BURST_MAX];
    struct tally came = { 0 }, given = { 0 };
    enum result result = packet_pool_open(&pool, POOL_COUNT);
    assert_that(result, ==, OK);
    below = (struct below){ .net = { .ops = &below_ops, .mtu_bytes = 1500 } };
    below.takes = 1 + cursor_u8(&cursor) % NET_BURST_MAX;
    sent = (struct tally){ 0 };
    net_offload_open(&offload, &below.net);
    net_attach(&offload.net, &user, &pool);
    while (cursor_left(&cursor) > 0 && below.incoming_count < NET_BURST_MAX) {
        struct packet *frame = take_frame(&pool, &cursor);
        weigh(&came, frame);
        below.incoming[below.incoming_count++] = frame;
    }
    size_t count = net_receive(&offload.net, burst, NET_BURST_MAX);
    for (size_t i = 0; i < count; i++)
        weigh(&given, burst[i]);
    assert(same(&came, &given));
    if (count > 0) forward(&offload, burst, count);
    assert(same(&came, &sent));
    net_detach(&offload.net);
    net_offload_close(&offload);
    packet_pool_close(&pool);
    return 0;
}
