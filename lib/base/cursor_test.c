/* cursor_test.c - reading integers and bytes, and running short at every place.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"

#include "base/writer.h"
#include "test/test.h"

static const uint8_t bytes[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88, 0x99, 0xaa, 0xbb,
                                 0xcc, 0xdd, 0xee, 0xff, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70,
                                 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0x0f };

TEST(cursor_reads_both_orders)
{
    struct cursor cursor = cursor_over(test_guarded(VIEW_OF(bytes)));
    expect_that(cursor_u8(&cursor), ==, 0x01);
    expect_that(cursor_u16_be(&cursor), ==, 0x0203);
    expect_that(cursor_u16_le(&cursor), ==, 0x0504);
    expect_that(cursor_u32_be(&cursor), ==, 0x06078899);
    expect_that(cursor_u32_le(&cursor), ==, 0xddccbbaa);
    expect_that(cursor_u64_be(&cursor), ==, 0xeeff102030405060);
    expect_that(cursor_u64_le(&cursor), ==, 0xe0d0c0b0a0908070);
    expect_view(cursor_rest(&cursor), VIEW("\xf0\x0f"));
    expect_that(cursor_left(&cursor), ==, 0);
    expect(!cursor.ran_short);
    expect_view(cursor_rest(&cursor), VIEW(""));
    expect(!cursor.ran_short);
}

/* Every length of input: what fits is read, the first thing that does not gives zero, moves nothing
 * and spoils all that comes. */
TEST(cursor_runs_short_for_good)
{
    struct view all = test_guarded(VIEW_OF(bytes));
    for (size_t length = 0; length < 8; length++) {
        struct view view = view_from_offset(all, all.length_bytes - length);
        struct cursor cursor = cursor_over(view);
        expect_that(cursor_u64_be(&cursor), ==, 0);
        expect(cursor.ran_short);
        expect_that(cursor_left(&cursor), ==, length);
        expect_that(cursor_u8(&cursor), ==, 0);
        expect(view_is_empty(cursor_take(&cursor, 0)));
        expect(view_is_empty(cursor_rest(&cursor)));

        cursor = cursor_over(view);
        expect(length >= 4 ? cursor_u32_le(&cursor) != 0 : cursor_u32_le(&cursor) == 0);
        expect(cursor.ran_short == (length < 4));
        cursor = cursor_over(view);
        expect(length >= 2 ? cursor_u16_be(&cursor) != 0 : cursor_u16_be(&cursor) == 0);
        expect(cursor.ran_short == (length < 2));
        cursor = cursor_over(view);
        expect((cursor_u8(&cursor) != 0) == (length >= 1));
        expect(cursor.ran_short == (length < 1));
    }
}

TEST(cursor_refuses_lengths_that_wrap)
{
    struct cursor cursor = cursor_over(VIEW_OF(bytes));
    cursor_skip(&cursor, 5);
    expect(view_is_empty(cursor_take(&cursor, SIZE_MAX - 2)));
    expect(cursor.ran_short);
    expect_that(cursor.offset_bytes, ==, 5);
}

TEST(cursor_over_nothing)
{
    struct cursor cursor = cursor_over(view_from(NULL, 0));
    expect(view_is_empty(cursor_take(&cursor, 0)));
    expect(!cursor.ran_short);
    expect_that(cursor_u8(&cursor), ==, 0);
    expect(cursor.ran_short);
}

/* What a writer puts, a cursor reads. */
TEST(cursor_reads_what_a_writer_put)
{
    uint64_t seed = 6;
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t room[29];
        uint64_t value = test_random(&seed);
        struct writer writer = writer_over(SPAN_OF(room));
        writer_put_u8(&writer, (uint8_t)value);
        writer_put_u16_be(&writer, (uint16_t)value);
        writer_put_u16_le(&writer, (uint16_t)value);
        writer_put_u32_be(&writer, (uint32_t)value);
        writer_put_u32_le(&writer, (uint32_t)value);
        writer_put_u64_be(&writer, value);
        writer_put_u64_le(&writer, value);
        expect(!writer.ran_short && writer_left(&writer) == 0);

        struct cursor cursor = cursor_over(writer_view(&writer));
        expect_that(cursor_u8(&cursor), ==, (uint8_t)value);
        expect_that(cursor_u16_be(&cursor), ==, (uint16_t)value);
        expect_that(cursor_u16_le(&cursor), ==, (uint16_t)value);
        expect_that(cursor_u32_be(&cursor), ==, (uint32_t)value);
        expect_that(cursor_u32_le(&cursor), ==, (uint32_t)value);
        expect_that(cursor_u64_be(&cursor), ==, value);
        expect_that(cursor_u64_le(&cursor), ==, value);
        expect(!cursor.ran_short && cursor_left(&cursor) == 0);
    }
}
