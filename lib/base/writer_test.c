/* writer_test.c - writing at the end of the room, and formatting beside libc's snprintf.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"

#include <stdio.h>

#include "test/death.h"
#include "test/test.h"

TEST(writer_writes_all_or_nothing)
{
    uint8_t room[4] = { 0 };
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, VIEW("abc"));
    expect(!writer.ran_short);
    writer_put(&writer, VIEW("de"));
    expect(writer.ran_short);
    writer_put(&writer, VIEW("f"));
    writer_put_u8(&writer, 'g');
    writer_put_decimal(&writer, 7);
    writer_format(&writer, "h%d", 1);
    expect_view(writer_view(&writer), VIEW("abc"));
    expect_that(room[3], ==, 0);
    expect_that(writer_take(&writer, 0).length_bytes, ==, 0);
}

TEST(writer_fills_its_room)
{
    uint8_t room[3];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put(&writer, VIEW("abc"));
    writer_put(&writer, VIEW(""));
    writer_put(&writer, view_from(NULL, 0));
    expect(!writer.ran_short);
    expect_that(writer_left(&writer), ==, 0);
    writer = writer_over(span_from(NULL, 0));
    expect(view_is_empty(writer_view(&writer)));
    writer_put_u8(&writer, 1);
    expect(writer.ran_short);
}

TEST(writer_puts_integers_in_both_orders)
{
    uint8_t room[14];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_u16_be(&writer, 0x0102);
    writer_put_u16_le(&writer, 0x0102);
    writer_put_u32_be(&writer, 0x01020304);
    writer_put_u32_le(&writer, 0x01020304);
    writer_put_u8(&writer, 0xff);
    expect_view(writer_view(&writer), VIEW("\1\2\2\1\1\2\3\4\4\3\2\1\xff"));
}

TEST(writer_puts_text)
{
    uint8_t room[80];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_decimal(&writer, 0);
    writer_put_decimal(&writer, UINT64_MAX);
    writer_put(&writer, VIEW(" "));
    writer_put_hex(&writer, 0, 0);
    writer_put_hex(&writer, 0xabc, 6);
    writer_put_hex(&writer, UINT64_MAX, 1);
    writer_put(&writer, VIEW(" "));
    writer_put_hex_bytes(&writer, VIEW("\x00\x9f\xff"));
    expect_view(writer_view(&writer), VIEW("018446744073709551615 0000abcffffffffffffffff 009fff"));
}

/* ---- beside snprintf ---- */

#define TEXT_MAX 128

enum value_type { AS_INT, AS_LONG, AS_LONG_LONG, AS_STRING };

/* One conversion with one value, in the type that it is given as. */
struct trial {
    char words[64];
    enum value_type as;
    uint64_t value;
    const char *string;
    bool is_number;
};

static int libc_says(const struct trial *trial, char text[TEXT_MAX])
{
    switch (trial->as) {
    case AS_INT: return snprintf(text, TEXT_MAX, trial->words, (int)trial->value);
    case AS_LONG: return snprintf(text, TEXT_MAX, trial->words, (long)trial->value);
    case AS_LONG_LONG: return snprintf(text, TEXT_MAX, trial->words, (long long)trial->value);
    case AS_STRING: return snprintf(text, TEXT_MAX, trial->words, trial->string);
    }
    return -1;
}

static void we_say(const struct trial *trial, struct writer *writer)
{
    switch (trial->as) {
    case AS_INT: writer_format(writer, trial->words, (int)trial->value); return;
    case AS_LONG: writer_format(writer, trial->words, (long)trial->value); return;
    case AS_LONG_LONG: writer_format(writer, trial->words, (long long)trial->value); return;
    case AS_STRING: writer_format(writer, trial->words, trial->string); return;
    }
}

/* Numbers at the edges of their types are as likely as others. */
static uint64_t random_value(uint64_t *seed)
{
    static const uint64_t edges[] = { 0,
                                      1,
                                      9,
                                      10,
                                      INT32_MAX,
                                      UINT32_MAX,
                                      1u << 31,
                                      UINT64_MAX,
                                      INT64_MAX,
                                      255,
                                      127,
                                      128,
                                      65535,
                                      32768,
                                      UINT64_MAX - 1,
                                      UINT64_MAX - 127,
                                      (uint64_t)1 << 63 };
    uint64_t value = test_random(seed);
    uint64_t choice = test_random(seed) % 3;
    if (choice == 0) return edges[value % LENGTH_OF(edges)];
    return choice == 1 ? value : value >> (test_random(seed) % 64);
}

static void random_trial(struct trial *trial, uint64_t *seed)
{
    static const struct {
        const char *text;
        enum value_type as;
    } lengths[] = { { "", AS_INT },        { "h", AS_INT },  { "hh", AS_INT },
                    { "l", AS_LONG },      { "z", AS_LONG }, { "ll", AS_LONG_LONG },
                    { "j", AS_LONG_LONG }, { "t", AS_LONG } };
    static const char *const strings[] = { "", "a", "loom", "a longer text than the width" };
    static const char flags[] = "-0+ ";
    static const char kinds[] = "diuxXocs";
    char kind = kinds[test_random(seed) % (sizeof kinds - 1)];
    trial->is_number = kind != 'c' && kind != 's';
    trial->value = random_value(seed);
    trial->string = strings[test_random(seed) % LENGTH_OF(strings)];

    struct writer words = writer_over(SPAN_OF(trial->words));
    writer_put(&words, VIEW("<%"));
    for (uint64_t i = test_random(seed) % 3; i > 0; i--) {
        char flag = flags[test_random(seed) % 4];
        bool is_undefined = (flag == '0' && !trial->is_number) ||
                            ((flag == '+' || flag == ' ') && kind != 'd' && kind != 'i');
        if (!is_undefined) writer_put_u8(&words, (uint8_t)flag);
    }
    if (test_random(seed) % 2 == 0) writer_put_decimal(&words, 1 + test_random(seed) % 30);
    if (kind != 'c' && test_random(seed) % 3 == 0) {
        writer_put(&words, VIEW("."));
        writer_put_decimal(&words, test_random(seed) % 30);
    }
    trial->as = kind == 's' ? AS_STRING : AS_INT;
    if (trial->is_number) {
        size_t length = test_random(seed) % LENGTH_OF(lengths);
        trial->as = lengths[length].as;
        writer_put(&words, view_from_string(lengths[length].text));
    }
    if (kind == 'c') trial->value = ' ' + trial->value % 95;
    writer_put_u8(&words, (uint8_t)kind);
    writer_put(&words, VIEW(">\0"));
    expect(!words.ran_short);
}

/* With less room what comes is the beginning of the same, and it says so. */
static void expect_cut(const struct trial *trial, struct view whole)
{
    for (size_t length = 0; length < whole.length_bytes; length++) {
        uint8_t room[TEXT_MAX];
        struct writer writer = writer_over(span_first(SPAN_OF(room), length));
        we_say(trial, &writer);
        expect(writer.ran_short);
        expect(view_starts_with(whole, writer_view(&writer)));
        bool is_whole_number = writer.length_bytes <= 1 ||
                               writer.length_bytes == whole.length_bytes - 1;
        if (trial->is_number) expect(is_whole_number);
    }
}

TEST(format_says_what_libc_says)
{
    uint64_t seed = 7;
    for (unsigned round = 0; round < 30000; round++) {
        struct trial trial;
        char wanted[TEXT_MAX];
        uint8_t room[TEXT_MAX];
        random_trial(&trial, &seed);
        int length = libc_says(&trial, wanted);
        expect(length >= 0 && length < TEXT_MAX);
        struct writer writer = writer_over(SPAN_OF(room));
        we_say(&trial, &writer);
        expect(!writer.ran_short);
        if (!view_equal(writer_view(&writer), view_from(wanted, (size_t)length)))
            test_fail(__FILE__, __LINE__, "\"%s\" of %llu, \"%s\": \"%.*s\" instead of \"%s\"",
                      trial.words, (unsigned long long)trial.value, trial.string,
                      VIEW_FORMAT(writer_view(&writer)), wanted);
        if (round % 16 == 0) expect_cut(&trial, writer_view(&writer));
    }
}

TEST(format_takes_widths_as_arguments)
{
    uint8_t room[64];
    expect_view(format(SPAN_OF(room), "<%*d|%-*d|%*d>", 4, 1, 4, 2, -4, 3),
                VIEW("<   1|2   |3   >"));
    expect_view(format(SPAN_OF(room), "<%.*d|%0*u|%.*s>", 3, 7, 3, 8u, 2, "abc"),
                VIEW("<007|008|ab>"));
}

/* A view is not terminated: nothing behind its end is looked at. */
TEST(format_reads_views_to_their_end)
{
    uint8_t room[64];
    struct view view = test_guarded(VIEW("loom"));
    expect_view(
        format(SPAN_OF(room), "<%.*s|%.*s>", VIEW_FORMAT(view), 2, (const char *)view.bytes),
        VIEW("<loom|lo>"));
    struct view nothing = view_from_offset(view, 4);
    expect_view(format(SPAN_OF(room), "<%.*s>", VIEW_FORMAT(nothing)), VIEW("<>"));
    expect_view(format(SPAN_OF(room), "<%.*s>", -1, (const char *)view.bytes), VIEW("<>"));
}

TEST(format_knows_the_rest)
{
    uint8_t room[64];
    const char *volatile nothing = NULL;
    expect_view(format(SPAN_OF(room), "100%% %s", nothing), VIEW("100% (null)"));
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "%p", (void *)room);
    expect_view(format(SPAN_OF(room), "%p", (void *)room), view_from_string(wanted));
    expect_view(format(SPAN_OF(room), "%s", ""), VIEW(""));
    expect_view(format(span_from(NULL, 0), "abc"), VIEW(""));
}

TEST(format_cuts_text_and_says_so)
{
    uint8_t room[8];
    expect_view(format(SPAN_OF(room), "a long text"), VIEW("a long t"));
    expect_view(format(SPAN_OF(room), "a %s", "long text"), VIEW("a long t"));
    expect_view(format(SPAN_OF(room), "%s%d", "1234567", 12), VIEW("1234567"));
    expect_view(format(SPAN_OF(room), "%s%d%s", "1234567", 12, "x"), VIEW("1234567"));
}

static void format_unknown(void)
{
    uint8_t room[8];
    static const char *volatile words = "%q";
    (void)format(SPAN_OF(room), words, 1);
}

static void format_unfinished(void)
{
    uint8_t room[8];
    static const char *volatile words = "50%";
    (void)format(SPAN_OF(room), words, 1);
}

TEST(format_panics_at_what_it_does_not_know)
{
    expect_death(format_unknown, "%q is not a conversion");
    expect_death(format_unfinished, "is not a conversion");
}
