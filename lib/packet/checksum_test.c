/* checksum_test.c - the Internet checksum beside the plainest reading of RFC 1071.
 *
 * SPDX-License-Identifier: ISC */
#include "packet/checksum.h"

#include "packet/checksum_private.h"
#include "test/test.h"

static uint8_t bytes[4096 + 64];

static void fill(uint64_t seed)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)test_random(&seed);
}

/* RFC 1071 1, word for word; the result as a number. */
static uint16_t plain(struct view view)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < view.length_bytes; i++) {
        sum += (uint32_t)view_byte(view, i) << (i % 2 == 0 ? 8 : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static uint16_t ours(struct view view)
{
    struct checksum checksum = { 0 };
    checksum_add(&checksum, view);
    return __builtin_bswap16(checksum_finish(&checksum));
}

TEST(sums_of_every_length_and_alignment)
{
    fill(1);
    for (size_t offset = 0; offset < 17; offset++) {
        for (size_t length_bytes = 0; length_bytes < 300; length_bytes++) {
            struct view view = view_slice(VIEW_OF(bytes), offset, length_bytes);
            expect_that(ours(view), ==, plain(view));
        }
    }
    expect_that(ours(VIEW_OF(bytes)), ==, plain(VIEW_OF(bytes)));
}

TEST(sums_end_where_the_bytes_do)
{
    fill(2);
    struct view guarded = test_guarded(view_first(VIEW_OF(bytes), 100));
    for (size_t offset = 0; offset < guarded.length_bytes; offset++) {
        struct view view = view_from_offset(guarded, offset);
        expect_that(ours(view), ==, plain(view));
    }
}

TEST(carries_go_round)
{
    span_fill(SPAN_OF(bytes), 0xff);
    for (size_t length_bytes = 0; length_bytes < 200; length_bytes++) {
        struct view view = view_first(VIEW_OF(bytes), length_bytes);
        expect_that(ours(view), ==, plain(view));
    }
}

static void expect_sums_of_blocks(uint64_t (*sum)(struct view blocks))
{
    struct view all = test_guarded(VIEW_OF(bytes));
    for (size_t offset = all.length_bytes; offset >= CHECKSUM_BLOCK_BYTES;) {
        offset -= CHECKSUM_BLOCK_BYTES;
        struct view blocks = view_from_offset(all, offset);
        struct checksum checksum = { .sum = sum(blocks) };
        expect_that(__builtin_bswap16(checksum_finish(&checksum)), ==, plain(blocks));
    }
}

/* The second is what this processor takes, if it can; the first is what others do. */
TEST(blocks_are_summed_alike_by_any_processor)
{
    for (uint64_t seed = 7; seed < 10; seed++) {
        fill(seed);
        expect_sums_of_blocks(checksum_blocks_baseline);
        if (__builtin_cpu_supports("avx2")) expect_sums_of_blocks(checksum_blocks_avx2);
    }
    span_fill(SPAN_OF(bytes), 0xff);
    expect_sums_of_blocks(checksum_blocks_baseline);
    if (__builtin_cpu_supports("avx2")) expect_sums_of_blocks(checksum_blocks_avx2);
}

/* RFC 1071 2 (B): a part behind an odd number of bytes counts swapped. */
TEST(parts_add_up)
{
    uint64_t random = 3;
    fill(3);
    for (unsigned round = 0; round < 2000; round++) {
        struct checksum checksum = { 0 };
        struct view left = view_first(VIEW_OF(bytes), 1 + test_random(&random) % 2000);
        uint16_t wanted = plain(left);
        while (left.length_bytes > 0) {
            size_t part_bytes = test_random(&random) % MIN(left.length_bytes + 1, 50);
            checksum_add(&checksum, view_first(left, part_bytes));
            left = view_from_offset(left, part_bytes);
        }
        expect_that(__builtin_bswap16(checksum_finish(&checksum)), ==, wanted);
        expect_that((uint16_t)~checksum_fold(&checksum), ==, checksum_finish(&checksum));
    }
}

/* RFC 9293 3.1, RFC 8200 8.1: the pseudo-header written out. */
TEST(pseudo_headers_of_both_families)
{
    uint64_t random = 4;
    for (unsigned round = 0; round < 200; round++) {
        enum address_family family = round % 2 == 0 ? ADDRESS_IPV4 : ADDRESS_IPV6;
        size_t address_bytes = family == ADDRESS_IPV4 ? 4 : 16;
        struct address source = { .family = (uint8_t)family };
        struct address destination = source;
        for (size_t i = 0; i < address_bytes; i++) {
            source.bytes[i] = (uint8_t)test_random(&random);
            destination.bytes[i] = (uint8_t)test_random(&random);
        }
        uint32_t length_bytes = (uint32_t)(test_random(&random) % 65536);
        if (family == ADDRESS_IPV6) length_bytes *= 5;
        uint8_t room[40];
        struct writer writer = writer_over(SPAN_OF(room));
        writer_put(&writer, view_from(source.bytes, address_bytes));
        writer_put(&writer, view_from(destination.bytes, address_bytes));
        if (family == ADDRESS_IPV4) {
            writer_put_u16_be(&writer, 6);
            writer_put_u16_be(&writer, (uint16_t)length_bytes);
        } else {
            writer_put_u32_be(&writer, length_bytes);
            writer_put_u32_be(&writer, 6);
        }
        struct checksum checksum = { 0 };
        checksum_add_pseudo_header(&checksum, &source, &destination, 6, length_bytes);
        expect_that(__builtin_bswap16(checksum_finish(&checksum)), ==, plain(writer_view(&writer)));
    }
}

/* RFC 1624 4 has the case that the older equation of RFC 1141 gets wrong. */
TEST(updates_as_rfc_1624_says)
{
    expect_that(checksum_update(__builtin_bswap16(0xdd2f), __builtin_bswap16(0x5555),
                                __builtin_bswap16(0x3285)),
                ==, 0);
    uint64_t random = 5;
    fill(5);
    for (unsigned round = 0; round < 2000; round++) {
        struct view header = view_first(VIEW_OF(bytes), 20);
        uint16_t from, to = (uint16_t)test_random(&random);
        uint8_t *word = &bytes[2 * (test_random(&random) % 10)];
        uint16_t before = __builtin_bswap16(plain(header));
        __builtin_memcpy(&from, word, sizeof from);
        __builtin_memcpy(word, &to, sizeof to);
        expect_that(__builtin_bswap16(checksum_update(before, from, to)), ==, plain(header));
    }
}

/* ---- over frames ---- */

/* A frame of two packets and some fragments, cut at random, which holds `frame`. */
static struct packet *frame_of(struct packet_pool *pool, struct view frame, size_t first_bytes,
                               uint64_t *random)
{
    struct packet *packet = packet_take(pool, PACKET_FOR_DATA);
    struct packet *rest = packet_take(pool, PACKET_FOR_DATA);
    packet->rest = rest;
    (void)span_copy(packet_put(packet, first_bytes), view_first(frame, first_bytes));
    frame = view_from_offset(frame, first_bytes);
    for (unsigned i = 0; i < 3; i++) {
        size_t part_bytes = test_random(random) % (frame.length_bytes / 3 + 1);
        packet_borrow(packet, view_first(frame, part_bytes), NULL);
        frame = view_from_offset(frame, part_bytes);
    }
    size_t part_bytes = test_random(random) % (frame.length_bytes / 2 + 1);
    (void)span_copy(packet_put(rest, part_bytes), view_first(frame, part_bytes));
    packet_borrow(rest, view_from_offset(frame, part_bytes), NULL);
    return packet;
}

TEST(completes_and_verifies_frames)
{
    const struct address source = address_ipv4(192, 0, 2, 1);
    const struct address destination = address_ipv4(198, 51, 100, 7);
    struct packet_pool pool;
    uint64_t random = 6;
    expect_ok(packet_pool_open(&pool, 16));
    for (unsigned round = 0; round < 3000; round++) {
        fill(round);
        struct view datagram = view_first(VIEW_OF(bytes), 20 + test_random(&random) % 3000);
        struct packet *packet = frame_of(&pool, datagram, 20, &random);
        struct checksum checksum = { 0 };
        checksum_add_pseudo_header(&checksum, &source, &destination, 6,
                                   (uint32_t)datagram.length_bytes);
        uint16_t field = checksum_fold(&checksum);
        (void)span_copy(span_from_offset(packet_span(packet), 16), VIEW_OF(field));
        packet->checksum = PACKET_CHECKSUM_PARTIAL;
        packet->checksum_start = packet->offset;
        packet->checksum_offset = (uint16_t)(packet->offset + 16);
        packet_push(packet, 14);
        expect(checksum_is_good(packet, &source, &destination, 6));
        checksum_complete(packet);
        expect_that(packet->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
        packet_pull(packet, 14);
        expect(checksum_is_good(packet, &source, &destination, 6));
        expect(!checksum_is_good(packet, &source, &destination, 17));
        packet_span(packet).bytes[test_random(&random) % 20] ^= 0x10;
        expect(!checksum_is_good(packet, &source, &destination, 6));
        packet->checksum = PACKET_CHECKSUM_GOOD;
        expect(checksum_is_good(packet, &source, &destination, 6));
        packet_drop(packet);
    }
    packet_pool_close(&pool);
}

/* RFC 768: a computed sum of zero is sent as all ones. */
TEST(zero_is_written_as_all_ones)
{
    struct packet_pool pool;
    expect_ok(packet_pool_open(&pool, 16));
    struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
    struct view datagram = VIEW("\xff\xff\x00\x00");
    (void)span_copy(packet_put(packet, 4), datagram);
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = packet->offset;
    packet->checksum_offset = (uint16_t)(packet->offset + 2);
    checksum_complete(packet);
    expect_view(packet_view(packet), VIEW("\xff\xff\xff\xff"));
    packet_drop(packet);
    packet_pool_close(&pool);
}
