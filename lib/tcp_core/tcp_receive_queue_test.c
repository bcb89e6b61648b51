/* tcp_receive_queue_test.c - whatever order segments come in, what is read is the stream; what it
 * costs to hold them is bounded; and acknowledgements can say what came.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_receive_queue.h"

#include "tcp_core/tcp_piece.h"
#include "test/test.h"

#define PACKET_COUNT 8192
#define LIMIT_BYTES  ((uint32_t)64 * 1024)
/* Where the headers of a received segment end. */
#define PAYLOAD_OFFSET 194

static struct packet_pool packets;
static struct tcp_receive_queue queue;
static struct tcp_receive_window window;
static uint32_t rcv_nxt;

static void open_queue(uint32_t first_seq, uint32_t limit_bytes)
{
    expect_ok(packet_pool_open(&packets, PACKET_COUNT));
    queue = (struct tcp_receive_queue){ 0 };
    rcv_nxt = first_seq;
    tcp_receive_window_init(&window, limit_bytes, first_seq, limit_bytes);
}

static void close_queue(void)
{
    tcp_receive_queue_clear(&queue);
    packet_pool_close(&packets);
}

/* ---- the stream ---- */

static uint8_t stream_byte(uint32_t seq)
{
    return (uint8_t)(seq * 2654435761u >> 13);
}

static struct packet *make_packet(uint32_t seq, size_t length_bytes, uint16_t offset)
{
    struct packet *packet = packet_take(&packets, PACKET_FOR_RECEIVE);
    expect(packet != NULL);
    packet->offset = offset;
    struct span span = packet_put(packet, length_bytes);
    for (size_t i = 0; i < length_bytes; i++)
        span.bytes[i] = stream_byte(seq + (uint32_t)i);
    return packet;
}

static struct tcp_insertion insert_packet(struct packet *packet, uint32_t seq, uint32_t length)
{
    struct tcp_insertion insertion = tcp_receive_queue_insert(
        &queue, packet, (struct tcp_range){ seq, seq + length }, rcv_nxt, &window);
    rcv_nxt += insertion.advanced_bytes;
    expect_that(queue.buffer_count, ==, PACKET_COUNT - packets.free_count);
    return insertion;
}

static struct tcp_insertion insert(uint32_t seq, uint32_t length)
{
    return insert_packet(make_packet(seq, length, PAYLOAD_OFFSET), seq, length);
}

/* Reads so many bytes, which are the stream from `seq` on. */
static void expect_read(uint32_t seq, uint32_t length)
{
    while (length > 0) {
        struct view view = tcp_receive_queue_peek(&queue);
        expect(view.length_bytes > 0);
        uint32_t part = (uint32_t)MIN(view.length_bytes, length);
        for (uint32_t i = 0; i < part; i++)
            expect_that(view.bytes[i], ==, stream_byte(seq + i));
        tcp_receive_queue_consume(&queue, part);
        seq += part;
        length -= part;
    }
}

static void expect_blocks(const struct tcp_range *wanted, size_t count)
{
    struct tcp_range blocks[4];
    expect_that(tcp_receive_queue_blocks(&queue, blocks, 4), ==, count);
    for (size_t i = 0; i < count; i++) {
        expect_that(blocks[i].start, ==, wanted[i].start);
        expect_that(blocks[i].end, ==, wanted[i].end);
    }
}

#define EXPECT_BLOCKS(...) \
    expect_blocks((const struct tcp_range[]){ __VA_ARGS__ }, \
                  sizeof((const struct tcp_range[]){ __VA_ARGS__ }) / sizeof(struct tcp_range))

/* ---- in order ---- */

TEST(a_segment_is_lent_where_it_came)
{
    open_queue(1000, LIMIT_BYTES);
    struct packet *packet = make_packet(1000, 1448, PAYLOAD_OFFSET);
    struct tcp_insertion insertion = insert_packet(packet, 1000, 1448);
    expect_that(insertion.advanced_bytes, ==, 1448);
    expect(tcp_insertion_is_plain(&insertion, &queue, 1448));
    expect(tcp_receive_queue_peek(&queue).bytes == packet_view(packet).bytes);
    expect_read(1000, 1448);
    expect_that(packets.free_count, ==, PACKET_COUNT);
    close_queue();
}

TEST(small_segments_share_a_buffer_and_what_is_peeked_stays)
{
    open_queue(1000, LIMIT_BYTES);
    insert(1000, 1);
    struct view peeked = tcp_receive_queue_peek(&queue);
    for (uint32_t seq = 1001; seq < 2000; seq++)
        expect_that(insert(seq, 1).advanced_bytes, ==, 1);
    expect_that(queue.buffer_count, ==, 1);
    expect(tcp_receive_queue_peek(&queue).bytes == peeked.bytes);
    expect_read(1000, 1000);
    close_queue();
}

TEST(a_frame_of_several_buffers_is_linked_in)
{
    open_queue(1000, LIMIT_BYTES);
    struct packet *packet = make_packet(1000, 1700, PAYLOAD_OFFSET);
    packet->rest = make_packet(2700, PACKET_PAYLOAD_MAX - 64, 128);
    packet->rest->rest = make_packet(2700 + PACKET_PAYLOAD_MAX - 64, 3, 0);
    uint32_t length = 1703 + PACKET_PAYLOAD_MAX - 64;
    expect_that(insert_packet(packet, 1000, length).advanced_bytes, ==, length);
    expect_read(1000, length);
    close_queue();
}

/* The header was alone in the first buffer. */
TEST(an_empty_first_buffer_goes)
{
    open_queue(1000, LIMIT_BYTES);
    struct packet *packet = make_packet(1000, 0, PAYLOAD_OFFSET);
    packet->rest = make_packet(1000, 0, 0);
    packet->rest->rest = make_packet(1000, 900, 0);
    packet->rest->rest->rest = make_packet(1900, 0, 0);
    expect_that(insert_packet(packet, 1000, 900).advanced_bytes, ==, 900);
    expect_that(queue.buffer_count, ==, 1);
    expect_read(1000, 900);
    close_queue();
}

/* What another stack of the same process borrows to us is not held up. */
TEST(borrowed_bytes_are_copied)
{
    open_queue(1000, LIMIT_BYTES);
    struct packet *owner = make_packet(1000, 1500, 128), *packet = make_packet(1000, 0, 194);
    packet_borrow(packet, packet_view(owner), &owner->payload);
    struct tcp_insertion insertion = tcp_receive_queue_insert(
        &queue, packet, (struct tcp_range){ 1000, 2500 }, rcv_nxt, &window);
    expect_that(insertion.advanced_bytes, ==, 1500);
    expect_that(owner->payload.references, ==, 1);
    span_fill(packet_span(owner), 0);
    expect_read(1000, 1500);
    packet_drop(owner);
    close_queue();
}

TEST(what_is_held_by_another_is_copied)
{
    open_queue(1000, LIMIT_BYTES);
    struct packet *packet = make_packet(1000, 1500, 194);
    (void)payload_hold(&packet->payload);
    (void)tcp_receive_queue_insert(&queue, packet, (struct tcp_range){ 1000, 2500 }, rcv_nxt,
                                   &window);
    expect_that(packet->payload.references, ==, 1);
    expect_read(1000, 1500);
    packet_drop(packet);
    close_queue();
}

/* RFC 9293 3.10.7.4: what lies outside the window is trimmed off. */
TEST(a_segment_is_trimmed_to_the_window)
{
    open_queue(UINT32_MAX - 99, LIMIT_BYTES);
    insert(UINT32_MAX - 99, 1000);
    struct tcp_insertion insertion = insert(UINT32_MAX - 99, 1400);
    expect_that(insertion.advanced_bytes, ==, 400);
    expect_that(insertion.duplicate_bytes, ==, 1000);
    window.edge = rcv_nxt + 100;
    insertion = insert(rcv_nxt, 1000);
    expect_that(insertion.advanced_bytes, ==, 100);
    expect_that(insertion.dropped_bytes, ==, 0);
    insertion = insert(rcv_nxt, 1);
    expect_that(insertion.advanced_bytes + insertion.dropped_bytes, ==, 0);
    expect_read(UINT32_MAX - 99, 1500);
    close_queue();
}

TEST(an_old_segment_changes_nothing)
{
    open_queue(5000, LIMIT_BYTES);
    struct tcp_insertion insertion = insert(4000, 1000);
    expect_that(insertion.duplicate_bytes, ==, 1000);
    expect_that(insertion.advanced_bytes, ==, 0);
    expect_that(queue.buffer_count, ==, 0);
    EXPECT_BLOCKS({ 4000, 5000 });
    close_queue();
}

TEST(reading_goes_across_buffers)
{
    open_queue(1000, LIMIT_BYTES);
    for (uint32_t i = 0; i < 10; i++)
        insert(1000 + i * 1000, 1000);
    tcp_receive_queue_consume(&queue, 4500);
    expect_that(queue.length_bytes, ==, 5500);
    expect_read(5500, 5500);
    expect(view_is_empty(tcp_receive_queue_peek(&queue)));
    close_queue();
}

/* ---- out of order ---- */

TEST(a_filled_hole_releases_what_waited)
{
    open_queue(UINT32_MAX - 1499, LIMIT_BYTES);
    uint32_t seq = UINT32_MAX - 1499;
    struct tcp_insertion insertion = insert(seq + 1000, 1000);
    expect_that(insertion.out_of_order_bytes, ==, 1000);
    expect(!tcp_insertion_is_plain(&insertion, &queue, 1000));
    expect(view_is_empty(tcp_receive_queue_peek(&queue)));
    insertion = insert(seq, 1000);
    expect_that(insertion.advanced_bytes, ==, 2000);
    expect(!tcp_insertion_is_plain(&insertion, &queue, 1000));
    expect_that(queue.piece_count, ==, 0);
    expect_read(seq, 2000);
    close_queue();
}

TEST(a_segment_over_many_pieces_fills_what_is_between)
{
    open_queue(0, LIMIT_BYTES);
    for (uint32_t seq = 100; seq < 1300; seq += 100)
        insert(seq, 50);
    expect_that(queue.piece_count, ==, 12);
    struct tcp_insertion insertion = insert(10, 1490);
    expect_that(insertion.out_of_order_bytes, ==, 1490 - 12 * 50);
    expect_that(insertion.duplicate_bytes, ==, 12 * 50);
    EXPECT_BLOCKS({ 100, 150 }, { 10, 1500 });
    insertion = insert(0, 1600);
    expect_that(insertion.advanced_bytes, ==, 1600);
    expect_read(0, 1600);
    close_queue();
}

/* The record of a piece stands before its first bytes; where there is no room it has a buffer. */
TEST(a_piece_may_begin_at_the_start_of_a_buffer)
{
    open_queue(0, LIMIT_BYTES);
    insert_packet(make_packet(2000, 1900, 0), 2000, 1900);
    insert_packet(make_packet(8000, 100, 0), 8000, 100);
    insert_packet(make_packet(7000, 1000, 0), 7000, 1000);
    EXPECT_BLOCKS({ 7000, 8100 }, { 2000, 3900 });
    for (uint32_t seq = 0; seq < 8000; seq += 1000)
        insert(seq, 1000);
    expect_that(rcv_nxt, ==, 8100);
    expect_read(0, 8100);
    close_queue();
}

TEST(bytes_that_were_there_first_stay)
{
    open_queue(0, LIMIT_BYTES);
    insert(100, 100);
    struct packet *packet = make_packet(0, 300, PAYLOAD_OFFSET);
    span_fill(span_first(span_from_offset(packet_span(packet), 100), 100), 'X');
    insert_packet(packet, 0, 300);
    expect_read(0, 300);
    close_queue();
}

/* ---- what acknowledgements say ---- */

/* RFC 2018 4: the block of the segment that came last is the first; then those that were said
 * last. */
TEST(blocks_come_in_the_order_of_rfc_2018)
{
    open_queue(5000, LIMIT_BYTES);
    /* Case 2 of section 5: the first of eight segments is lost. */
    for (uint32_t i = 1; i < 8; i++) {
        insert(5000 + i * 500, 500);
        EXPECT_BLOCKS({ 5500, 5500 + i * 500 });
    }
    close_queue();
    /* Case 3: the second, fourth, sixth and eighth are lost. */
    open_queue(5000, LIMIT_BYTES);
    insert(5000, 500);
    insert(6000, 500);
    EXPECT_BLOCKS({ 6000, 6500 });
    insert(7000, 500);
    EXPECT_BLOCKS({ 7000, 7500 }, { 6000, 6500 });
    insert(8000, 500);
    EXPECT_BLOCKS({ 8000, 8500 }, { 7000, 7500 }, { 6000, 6500 });
    insert(6500, 500); /* the fourth comes late */
    EXPECT_BLOCKS({ 6000, 7500 }, { 8000, 8500 });
    expect_that(insert(5500, 500).advanced_bytes, ==, 2000);
    EXPECT_BLOCKS({ 8000, 8500 });
    close_queue();
}

TEST(no_more_blocks_are_said_than_fit)
{
    open_queue(0, LIMIT_BYTES);
    for (uint32_t i = 1; i <= 6; i++)
        insert(i * 1000, 100);
    struct tcp_range blocks[4];
    expect_that(tcp_receive_queue_blocks(&queue, blocks, 3), ==, 3);
    expect_that(blocks[0].start, ==, 6000);
    expect_that(blocks[2].start, ==, 4000);
    expect_that(tcp_receive_queue_blocks(&queue, blocks, 4), ==, 4);
    expect_that(blocks[3].start, ==, 3000);
    expect_that(tcp_receive_queue_blocks(&queue, blocks, 0), ==, 0);
    close_queue();
}

/* RFC 2883 4.1: full segments that came twice. */
TEST(a_duplicate_is_said_once_and_first)
{
    open_queue(3000, LIMIT_BYTES);
    /* 4.1.1: below the acknowledgement. */
    insert(3000, 500);
    insert(3500, 500);
    insert(3000, 500);
    EXPECT_BLOCKS({ 3000, 3500 });
    expect(!tcp_receive_queue_has_blocks(&queue));
    /* 4.1.2: and with data out of order. */
    insert(4500, 500);
    insert(5000, 500);
    EXPECT_BLOCKS({ 4500, 5500 });
    insert(3500, 500);
    EXPECT_BLOCKS({ 3500, 4000 }, { 4500, 5500 });
    /* 4.1.3: above the acknowledgement, within a larger block, which is second. */
    insert(5000, 500);
    EXPECT_BLOCKS({ 5000, 5500 }, { 4500, 5500 });
    EXPECT_BLOCKS({ 4500, 5500 });
    close_queue();
}

/* RFC 2883 4.2: parts of segments that came twice. */
TEST(a_partial_duplicate_is_said)
{
    open_queue(500, LIMIT_BYTES);
    /* 4.2.1: the front was there, the end is new. */
    insert(500, 500);
    insert(1500, 500);
    EXPECT_BLOCKS({ 1500, 2000 });
    insert(1000, 1000); /* fills the hole; its second half was there */
    EXPECT_BLOCKS({ 1500, 2000 });
    expect_that(rcv_nxt, ==, 2000);
    close_queue();
    /* 4.2.3: of two stretches that were there the first is said. */
    open_queue(500, LIMIT_BYTES);
    insert(1000, 500);
    insert(2000, 500);
    EXPECT_BLOCKS({ 2000, 2500 }, { 1000, 1500 });
    insert(1000, 1500);
    EXPECT_BLOCKS({ 1000, 1500 }, { 1000, 2500 });
    close_queue();
}

TEST(a_duplicate_outside_the_window_is_noted)
{
    open_queue(5000, LIMIT_BYTES);
    tcp_receive_queue_note_duplicate(&queue, (struct tcp_range){ 4999, 5000 }, rcv_nxt);
    EXPECT_BLOCKS({ 4999, 5000 });
    tcp_receive_queue_note_duplicate(&queue, (struct tcp_range){ 4999, 5001 }, rcv_nxt);
    expect(!tcp_receive_queue_has_blocks(&queue));
    close_queue();
}

/* ---- what it costs ---- */

static uint64_t charge_bytes(void)
{
    return (PACKET_COUNT - packets.free_count) * (uint64_t)PACKET_BYTES;
}

static void expect_cheap(void)
{
    expect_that(charge_bytes(), <=, (uint64_t)window.limit_bytes * 2);
}

static const uint32_t limits[] = { TCP_RECEIVE_LIMIT_MIN, 20000, 65535, 256 * 1024, 1 << 20 };

/* A reader who never reads, and a peer who fills the window a byte at a time. */
TEST(one_byte_segments_cost_at_most_twice_the_window)
{
    for (size_t i = 0; i < LENGTH_OF(limits); i++) {
        open_queue(UINT32_MAX - 5000, limits[i]);
        for (uint32_t k = 0; k < limits[i]; k++) {
            expect_that(insert(rcv_nxt, 1).advanced_bytes, ==, 1);
            expect_cheap();
        }
        expect_that(insert(rcv_nxt, 1).advanced_bytes, ==, 0);
        expect_read(UINT32_MAX - 5000, limits[i]);
        close_queue();
    }
}

/* Every other byte; then the holes, all of which find a place. */
TEST(one_byte_out_of_order_every_other_byte_costs_at_most_twice_the_window)
{
    for (size_t i = 0; i < LENGTH_OF(limits); i++) {
        open_queue(UINT32_MAX - 5000, limits[i]);
        uint32_t start = rcv_nxt;
        for (uint32_t k = 1; k < limits[i]; k += 2) {
            (void)insert(start + k, 1);
            expect_cheap();
            expect_that(queue.piece_count, <=, TCP_PIECES_MAX);
        }
        while (rcv_nxt != start + limits[i]) {
            expect_that(insert(rcv_nxt, 1).advanced_bytes, >, 0);
            expect_cheap();
        }
        expect_read(start, limits[i]);
        close_queue();
    }
}

/* From the end to the front, segments of one length with a hole of one byte before each, and then
 * the holes; or the holes and some more at once. A segment of 1,700 bytes at 284 leaves no room in
 * its buffer, so that the hole behind it takes one of its own. */
static void fill_backwards(uint32_t limit, uint32_t length, uint16_t offset, uint32_t hole)
{
    open_queue(1, limit);
    for (uint32_t seq = limit - limit % (length + 1) + 1; seq > length + 1;) {
        seq -= length + 1;
        insert_packet(make_packet(seq + 1, length, offset), seq + 1, length);
        expect_cheap();
    }
    while (rcv_nxt != 1 + limit) {
        uint32_t part = MIN(queue.piece_count > 0 ? hole : length, 1 + limit - rcv_nxt);
        struct packet *packet = make_packet(rcv_nxt, part, offset);
        expect_that(insert_packet(packet, rcv_nxt, part).advanced_bytes, >, 0);
        expect_cheap();
    }
    expect_read(1, limit);
    close_queue();
}

TEST(no_pattern_costs_more_than_twice_the_window)
{
    static const uint32_t lengths[] = { 1, 100, 511, 513, 700, 1024, 1448, 1700 };
    static const uint16_t offsets[] = { 0, 128, PAYLOAD_OFFSET, 284 };
    static_assert(284 + 1700 == PACKET_ROOM_BYTES, "no room is left");
    for (size_t k = 0; k < LENGTH_OF(lengths) * LENGTH_OF(offsets); k++) {
        uint32_t length = lengths[k % LENGTH_OF(lengths)];
        uint16_t offset = offsets[k / LENGTH_OF(lengths)];
        fill_backwards(256 * 1024, length, offset, 1);
        for (uint32_t limit = TCP_RECEIVE_LIMIT_MIN; limit < 24000; limit += 331) {
            fill_backwards(limit, length, offset, 1);
            fill_backwards(limit, length, offset, MIN(length + 3, 1700));
        }
    }
}

/* Each segment repeats all but a byte of what came before, so that it ends deep in its room. */
TEST(overlapping_segments_cost_at_most_twice_the_window)
{
    open_queue(1, LIMIT_BYTES);
    for (uint32_t end = 2; end <= LIMIT_BYTES; end++) {
        uint32_t length = MIN(end - 1, 1700);
        expect_that(insert(end - length, length).advanced_bytes, ==, 1);
        expect_cheap();
    }
    close_queue();
}

/* Every other segment is lost, as where a slow start outruns its path: nothing that comes is
 * dropped. */
TEST(every_other_segment_of_a_window_is_kept)
{
    static const uint32_t rounds[] = { 512 * 1024, 2 << 20 };
    for (size_t i = 0; i < LENGTH_OF(rounds); i++) {
        open_queue(0, rounds[i]);
        for (uint32_t seq = 1448; seq + 1448 <= rounds[i] / 20 * 19; seq += 2896)
            expect_that(insert(seq, 1448).dropped_bytes, ==, 0);
        for (uint32_t seq = 0; queue.piece_count > 0; seq += 2896)
            expect_that(insert(seq, 1448).advanced_bytes, ==, 2896);
        close_queue();
    }
}

static size_t count_pieces(size_t level)
{
    size_t count = 0;
    for (const struct tcp_piece *piece = queue.pieces[level]; piece != NULL;
         piece = piece->next[level])
        count++;
    return count;
}

/* SegmentSmack (CVE-2018-5390): many pieces in any order take few steps each. */
TEST(a_thousand_pieces_in_any_order_are_bounded)
{
    uint64_t state = 1;
    open_queue(0, 8 << 20);
    for (size_t i = 0; i < 20000; i++) {
        uint32_t seq = 1 + (uint32_t)(test_random(&state) % (8 << 20) / 3) * 3;
        (void)insert(seq, 1);
        expect_that(queue.piece_count, <=, TCP_PIECES_MAX);
    }
    expect_that(queue.piece_count, ==, TCP_PIECES_MAX);
    size_t high[TCP_PIECE_LEVELS] = { 0 };
    for (size_t level = 0; level < TCP_PIECE_LEVELS; level++)
        high[level] = count_pieces(level);
    expect_that(high[0], ==, TCP_PIECES_MAX);
    expect(high[1] > 80 && high[1] < 200);
    expect(high[2] > 4 && high[2] < 40);
    close_queue();
}

/* ---- when the stack's buffers grow scarce ---- */

TEST(out_of_order_data_is_refused_first)
{
    open_queue(0, 1 << 20);
    static struct packet *held[PACKET_COUNT];
    size_t count = 0;
    while (packet_pool_left(&packets, PACKET_FOR_DATA) > 8)
        held[count++] = packet_take(&packets, PACKET_FOR_CONTROL);
    for (uint32_t i = 0; i < 4; i++)
        (void)tcp_receive_queue_insert(&queue, make_packet(2000 + i * 2000, 1448, PAYLOAD_OFFSET),
                                       (struct tcp_range){ 2000 + i * 2000, 3448 + i * 2000 },
                                       rcv_nxt, &window);
    expect_that(queue.piece_count, ==, 1);
    struct tcp_insertion insertion = tcp_receive_queue_insert(
        &queue, make_packet(0, 1448, PAYLOAD_OFFSET), (struct tcp_range){ 0, 1448 }, rcv_nxt,
        &window);
    expect_that(insertion.advanced_bytes, ==, 1448);
    expect_that(queue.piece_count, ==, 1);
    while (count > 0)
        packet_drop(held[--count]);
    close_queue();
}

TEST(a_queue_leaves_buffers_to_others)
{
    open_queue(0, 8 << 20);
    while (insert(rcv_nxt, 1448).advanced_bytes > 0) {
    }
    expect_that(queue.buffer_count, <=, PACKET_COUNT / 4 + 1);
    struct tcp_receive_queue other = { 0 };
    struct tcp_insertion insertion = tcp_receive_queue_insert(
        &other, make_packet(0, 1448, PAYLOAD_OFFSET), (struct tcp_range){ 0, 1448 }, 0, &window);
    expect_that(insertion.advanced_bytes, ==, 1448);
    tcp_receive_queue_clear(&other);
    close_queue();
}
