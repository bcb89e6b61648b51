/* view_test.c - views and spans at their edges, with nothing readable behind them.
 *
 * SPDX-License-Identifier: ISC */
#include "base/view.h"

#include <string.h>

#include "test/death.h"
#include "test/test.h"

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* The last `length` bytes before the unmapped page. */
static struct view tail(struct view guarded, size_t length)
{
    return view_from_offset(guarded, guarded.length_bytes - length);
}

TEST(view_compares)
{
    expect(view_equal(VIEW(""), view_from(NULL, 0)));
    expect(view_equal(VIEW("ab"), VIEW("ab")));
    expect(!view_equal(VIEW("ab"), VIEW("abc")));
    expect(!view_equal(VIEW("ab"), VIEW("aB")));
    expect(view_compare(VIEW("a"), VIEW("b")) < 0);
    expect(view_compare(VIEW("ab"), VIEW("a")) > 0);
    expect(view_compare(VIEW(""), VIEW("a")) < 0);
    expect(view_compare(VIEW("\xff"), VIEW("a")) > 0);
    expect(view_compare(VIEW("a\0b"), VIEW("a\0c")) < 0);
    expect_that(view_compare(view_from(NULL, 0), VIEW("")), ==, 0);
}

TEST(view_ignores_case_of_ascii_letters_alone)
{
    expect(view_equal_ignoring_case(VIEW("Content-LENGTH"), VIEW("content-length")));
    expect(!view_equal_ignoring_case(VIEW("a"), VIEW("ab")));
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            uint8_t x = (uint8_t)a, y = (uint8_t)b;
            bool is_letter = (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z');
            bool wanted = x == y || (is_letter && (x ^ y) == 0x20);
            expect(view_equal_ignoring_case(VIEW_OF(x), VIEW_OF(y)) == wanted);
        }
    }
}

TEST(view_starts_and_ends)
{
    struct view view = test_guarded(VIEW("homepage"));
    expect(view_starts_with(view, VIEW("")) && view_ends_with(view, VIEW("")));
    expect(view_starts_with(view, VIEW("home")) && view_ends_with(view, VIEW("page")));
    expect(view_starts_with(view, view) && view_ends_with(view, view));
    expect(!view_starts_with(view, VIEW("page")) && !view_ends_with(view, VIEW("home")));
    expect(!view_starts_with(view, VIEW("homepages")) && !view_ends_with(view, VIEW("ahomepage")));
}

TEST(view_finds_bytes)
{
    struct view view = test_guarded(VIEW("a\0b\0"));
    expect_that(view_find_byte(view, 'a'), ==, 0);
    expect_that(view_find_byte(view, 0), ==, 1);
    expect_that(view_find_byte(view, 'c'), ==, 4);
    expect_that(view_find_byte(VIEW(""), 'a'), ==, 0);
    expect_that(view_find_byte(view_from(NULL, 0), 'a'), ==, 0);
}

/* Over two letters, so that beginnings of the part come again and again. */
TEST(view_finds_what_libc_finds)
{
    uint64_t seed = 5;
    uint8_t letters[48];
    for (size_t i = 0; i < sizeof letters; i++)
        letters[i] = test_random(&seed) % 3 == 0 ? 'b' : 'a';
    struct view all = test_guarded(VIEW_OF(letters));
    for (unsigned round = 0; round < 50000; round++) {
        struct view view = tail(all, test_random(&seed) % (sizeof letters + 1));
        uint8_t part[5];
        size_t length = test_random(&seed) % (sizeof part + 1);
        for (size_t i = 0; i < length; i++)
            part[i] = test_random(&seed) % 3 == 0 ? 'b' : 'a';
        const uint8_t *found = memmem(view.bytes, view.length_bytes, part, length);
        size_t wanted = found == NULL ? view.length_bytes : (size_t)(found - view.bytes);
        expect_that(view_find(view, view_from(part, length)), ==, wanted);

        struct view other = tail(all, test_random(&seed) % (sizeof letters + 1));
        size_t common = MIN(view.length_bytes, other.length_bytes);
        int order = sign(memcmp(view.bytes, other.bytes, common));
        if (order == 0)
            order = (view.length_bytes > other.length_bytes) -
                    (view.length_bytes < other.length_bytes);
        expect(sign(view_compare(view, other)) == order);
    }
}

TEST(view_cuts)
{
    struct view rest;
    expect_view(view_cut(VIEW("name=value=x"), '=', &rest), VIEW("name"));
    expect_view(rest, VIEW("value=x"));
    expect_view(view_cut(VIEW("name="), '=', &rest), VIEW("name"));
    expect_view(rest, VIEW(""));
    expect_view(view_cut(VIEW("=value"), '=', &rest), VIEW(""));
    expect_view(rest, VIEW("value"));
    expect_view(view_cut(test_guarded(VIEW("name")), '=', &rest), VIEW("name"));
    expect_view(rest, VIEW(""));
    expect_view(view_cut(view_from(NULL, 0), '=', &rest), VIEW(""));
    expect_view(rest, VIEW(""));
}

TEST(view_trims)
{
    expect_view(view_trim(test_guarded(VIEW(" \t a b\t "))), VIEW("a b"));
    expect_view(view_trim(test_guarded(VIEW(" \t"))), VIEW(""));
    expect_view(view_trim(VIEW("")), VIEW(""));
    expect_view(view_trim(VIEW("\ra\n")), VIEW("\ra\n"));
}

static void expect_number(struct view text, uint64_t wanted)
{
    uint64_t value = 7;
    expect(view_to_u64(test_guarded(text), &value));
    expect_that(value, ==, wanted);
}

TEST(view_reads_decimal)
{
    expect_number(VIEW("0"), 0);
    expect_number(VIEW("007"), 7);
    expect_number(VIEW("18446744073709551615"), UINT64_MAX);
    expect_number(VIEW("000000000000000000000000000018446744073709551615"), UINT64_MAX);
    static const char *const bad[] = { "",
                                       "18446744073709551616",
                                       "18446744073709551620",
                                       "99999999999999999999",
                                       "100000000000000000000",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "1a",
                                       "0x1",
                                       "1.0",
                                       "/",
                                       ":" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        uint64_t value = 7;
        expect(!view_to_u64(test_guarded(view_from_string(bad[i])), &value));
        expect_that(value, ==, 7);
    }
    uint64_t value;
    expect(!view_to_u64(VIEW("1\0"), &value));
}

TEST(view_reads_hexadecimal)
{
    uint64_t value = 7;
    expect(view_hex_to_u64(test_guarded(VIEW("0")), &value) && value == 0);
    expect(view_hex_to_u64(test_guarded(VIEW("fFfFFffFffffFFFF")), &value) && value == UINT64_MAX);
    expect(view_hex_to_u64(VIEW("00000000deadBEEF"), &value) && value == 0xdeadbeef);
    value = 7;
    expect(!view_hex_to_u64(VIEW("00000000000000000"), &value));
    expect(!view_hex_to_u64(VIEW(""), &value));
    expect(!view_hex_to_u64(VIEW("0x1"), &value));
    expect(!view_hex_to_u64(VIEW("g"), &value));
    expect(!view_hex_to_u64(VIEW("-1"), &value));
    expect_that(value, ==, 7);
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        bool is_digit = (one >= '0' && one <= '9') || (one >= 'a' && one <= 'f') ||
                        (one >= 'A' && one <= 'F');
        expect(view_hex_to_u64(VIEW_OF(one), &value) == is_digit);
    }
}

TEST(span_copies_and_fills)
{
    uint8_t room[6] = { 0 };
    struct span rest = span_copy(SPAN_OF(room), VIEW("abc"));
    expect_that(rest.length_bytes, ==, 3);
    span_fill(span_first(rest, 2), 'x');
    expect_view(VIEW_OF(room), VIEW("abcxx\0"));
    rest = span_copy(SPAN_OF(room), view_from(NULL, 0));
    expect_that(rest.length_bytes, ==, 6);
    span_fill(span_from(NULL, 0), 1);
    expect_that(span_copy(span_from(NULL, 0), VIEW("")).length_bytes, ==, 0);
}

/* ---- what the programmer does wrong ---- */

static volatile size_t three = 3;

static void read_behind(void)
{
    (void)view_byte(VIEW("abc"), three);
}

static void first_too_long(void)
{
    (void)view_first(VIEW("ab"), three);
}

static void offset_behind(void)
{
    (void)view_from_offset(VIEW("ab"), three);
}

static void slice_wraps(void)
{
    (void)view_slice(VIEW("abc"), three - 2, SIZE_MAX);
}

static void copy_too_long(void)
{
    uint8_t room[2];
    (void)span_copy(SPAN_OF(room), view_first(VIEW("abcd"), three));
}

TEST(view_holds_its_bounds)
{
    expect_view(view_from_offset(VIEW("abc"), three), VIEW(""));
    expect_death(read_behind, "index < view.length_bytes (left 3 = 0x3, right 3 = 0x3)");
    expect_death(first_too_long, "length_bytes <= view.length_bytes");
    expect_death(offset_behind, "offset_bytes <= view.length_bytes");
    expect_death(slice_wraps, "length_bytes <= view.length_bytes");
    expect_death(copy_too_long, "from.length_bytes <= to.length_bytes");
}
