/* http_range_test.c - which parts a Range asks for, and how they are told.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_range.h"

#include "test/test.h"

static enum http_range_outcome read_text(const char *text, uint64_t size_bytes,
                                         struct http_ranges *ranges)
{
    return http_range_read(test_guarded(view_from_string(text)), size_bytes, ranges);
}

static void expect_one(const char *text, uint64_t size_bytes, uint64_t first, uint64_t length)
{
    struct http_ranges ranges;
    expect_that(read_text(text, size_bytes, &ranges), ==, HTTP_RANGE_PARTS);
    expect_that(ranges.count, ==, 1);
    expect_that(ranges.ranges[0].first_byte, ==, first);
    expect_that(ranges.ranges[0].length_bytes, ==, length);
}

static void expect_outcome(const char *text, uint64_t size_bytes, enum http_range_outcome outcome)
{
    struct http_ranges ranges;
    if (read_text(text, size_bytes, &ranges) != outcome)
        test_fail(__FILE__, __LINE__, "\"%s\" is not %d", text, (int)outcome);
}

TEST(http_range_reads_the_examples_of_rfc_9110)
{
    expect_one("bytes=0-499", 10000, 0, 500);
    expect_one("bytes=500-999", 10000, 500, 500);
    expect_one("bytes=-500", 10000, 9500, 500);
    expect_one("bytes=9500-", 10000, 9500, 500);
    struct http_ranges ranges;
    expect_that(read_text("bytes=0-0,-1", 10000, &ranges), ==, HTTP_RANGE_PARTS);
    expect_that(ranges.count, ==, 2);
    expect_that(ranges.ranges[1].first_byte, ==, 9999);
    expect_that(ranges.ranges[1].length_bytes, ==, 1);
    expect_that(read_text("bytes= 0-999, 4500-5499, -1000", 10000, &ranges), ==, HTTP_RANGE_PARTS);
    expect_that(ranges.count, ==, 3);
}

TEST(http_range_is_clipped_to_the_representation)
{
    expect_one("bytes=5-100", 10, 5, 5);
    expect_one("bytes=-100", 10, 0, 10);
    expect_one("bytes=0-99999999999999999999999999999999999999", 10, 0, 10);
    expect_one("BYTES=9-", 10, 9, 1);
}

TEST(http_range_outside_is_unsatisfiable)
{
    expect_outcome("bytes=10-", 10, HTTP_RANGE_UNSATISFIABLE);
    expect_outcome("bytes=-0", 10, HTTP_RANGE_UNSATISFIABLE);
    expect_outcome("bytes=18446744073709551616-", 10, HTTP_RANGE_UNSATISFIABLE);
    expect_outcome("bytes=99999999999999999999999-99999999999999999999999", 10,
                   HTTP_RANGE_UNSATISFIABLE);
    expect_one("bytes=10-,3-4", 10, 3, 2); /* one of two is enough */
}

TEST(http_range_that_does_not_count)
{
    static const char *const texts[] = { "",           "bytes",       "bytes=",      "bytes=,",
                                         "bytes=-",    "bytes=a-b",   "bytes=1",     "bytes=2-1",
                                         "bytes=1-2x", "bytes=1--2",  "lines=1-2",   "bytes =1-2",
                                         "bytes=+1-2", "bytes=1-2,x", "bytes=0x1-2", "bytes=1 -2" };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        expect_outcome(texts[i], 10, HTTP_RANGE_WHOLE);
    expect_outcome("bytes=0-", 0, HTTP_RANGE_WHOLE); /* of nothing there are no parts */
}

TEST(http_range_count_is_bounded)
{
    expect_outcome("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,"
                   "26-26,28-28,30-30",
                   100, HTTP_RANGE_PARTS);
    expect_outcome("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,"
                   "26-26,28-28,30-30,32-32",
                   100, HTTP_RANGE_WHOLE);
}

TEST(http_range_joins_what_overlaps)
{
    expect_one("bytes=0-5,3-9", 100, 0, 10);
    expect_one("bytes=0-4,5-9", 100, 0, 10);
    expect_one("bytes=5-9,0-20,6-6", 100, 0, 21);
    expect_one("bytes=0-1,4-5,2-3", 100, 0, 6); /* the last one joins two that were apart */
    struct http_ranges ranges;
    expect_that(read_text("bytes=50-59,0-9,55-69,80-", 100, &ranges), ==, HTTP_RANGE_PARTS);
    expect_that(ranges.count, ==, 3);
    expect_that(ranges.ranges[0].first_byte, ==, 50);
    expect_that(ranges.ranges[0].length_bytes, ==, 20);
    expect_that(ranges.ranges[1].first_byte, ==, 0);
}

/* Whatever is asked for: parts lie within the representation and no two share a byte. */
TEST(http_range_parts_are_disjoint_and_inside)
{
    uint64_t state = 1;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t room[256];
        struct writer writer = writer_over(SPAN_OF(room));
        uint64_t size_bytes = test_random(&state) % 200;
        writer_put(&writer, VIEW("bytes="));
        for (uint64_t i = test_random(&state) % 8; i < 8; i++) {
            uint64_t first = test_random(&state) % 256;
            writer_format(&writer, "%llu-%llu,", (unsigned long long)first,
                          (unsigned long long)first + test_random(&state) % 32);
        }
        struct http_ranges ranges;
        uint64_t seen[4] = { 0 };
        if (http_range_read(writer_view(&writer), size_bytes, &ranges) != HTTP_RANGE_PARTS)
            continue;
        for (size_t i = 0; i < ranges.count; i++) {
            struct http_range range = ranges.ranges[i];
            expect(range.length_bytes > 0 && range.first_byte + range.length_bytes <= size_bytes);
            for (uint64_t at = range.first_byte; at < range.first_byte + range.length_bytes; at++) {
                expect((seen[at / 64] & 1ull << at % 64) == 0);
                seen[at / 64] |= 1ull << at % 64;
            }
        }
    }
}

TEST(http_range_multipart_tells_its_length_beforehand)
{
    struct http_multipart multipart;
    struct http_ranges ranges;
    uint8_t room[HTTP_PART_HEAD_MAX];
    expect_that(read_text("bytes=0-1,5-9,-1", 1000000, &ranges), ==, HTTP_RANGE_PARTS);
    http_multipart_init(&multipart, VIEW("text/plain"), 1000000);
    uint64_t total = 0;
    for (size_t i = 0; i < ranges.count; i++) {
        struct writer writer = writer_over(SPAN_OF(room));
        http_multipart_write_head(&writer, &multipart, ranges.ranges[i]);
        total += writer.length_bytes + ranges.ranges[i].length_bytes;
    }
    struct writer writer = writer_over(SPAN_OF(room));
    http_multipart_write_end(&writer, &multipart);
    expect_that(http_multipart_length(&multipart, &ranges), ==, total + writer.length_bytes);
}

TEST(http_range_longest_part_head_fits)
{
    struct http_multipart multipart;
    uint8_t room[HTTP_PART_HEAD_MAX], media_type[HTTP_PART_MEDIA_MAX];
    span_fill(SPAN_OF(media_type), 'x');
    http_multipart_init(&multipart, VIEW_OF(media_type), UINT64_MAX);
    struct writer writer = writer_over(SPAN_OF(room));
    http_multipart_write_head(&writer, &multipart, (struct http_range){ UINT64_MAX - 1, 1 });
    expect(!writer.ran_short);
}
