/* crc32_test.c - the checksum against the check value of its kind, whole and in pieces.
 *
 * SPDX-License-Identifier: ISC */
#include "block/crc32.h"

#include "test/test.h"

TEST(crc32_of_the_check_input)
{
    expect_that(crc32(VIEW("123456789")), ==, 0xcbf43926);
    expect_that(crc32(VIEW("")), ==, 0);
    expect_that(crc32(VIEW("a")), ==, 0xe8b7be43);
}

TEST(crc32_goes_on_from_any_byte)
{
    const struct view whole = VIEW("The quick brown fox jumps over the lazy dog");
    for (size_t cut = 0; cut <= whole.length_bytes; cut++) {
        uint32_t first = crc32(view_first(whole, cut));
        expect_that(crc32_continue(first, view_from_offset(whole, cut)), ==, 0x414fa339);
    }
}
