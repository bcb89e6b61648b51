/* escape_test.c - what is shown of a stranger's text.
 *
 * SPDX-License-Identifier: ISC */
#include "base/escape.h"

#include "test/test.h"

static void expect_escaped(struct view text, struct view wanted)
{
    uint8_t room[256];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_escaped(&writer, test_guarded(text));
    expect(!writer.ran_short);
    expect_view(writer_view(&writer), wanted);
}

TEST(escape_leaves_text_alone)
{
    expect_escaped(VIEW(""), VIEW(""));
    expect_escaped(VIEW("GET /a\\b?\"c\" ~"), VIEW("GET /a\\b?\"c\" ~"));
    expect_escaped(VIEW("na\u00efve \u20ac \U0001f9f6"), VIEW("na\u00efve \u20ac \U0001f9f6"));
    expect_escaped(VIEW("\xf4\x8f\xbf\xbd"), VIEW("\xf4\x8f\xbf\xbd")); /* U+10FFFD */
}

TEST(escape_shows_controls)
{
    expect_escaped(VIEW("a\r\nb"), VIEW("a\\x0d\\x0ab"));
    expect_escaped(VIEW("\0\x1b[2J\x7f"), VIEW("\\x00\\x1b[2J\\x7f"));
    expect_escaped(VIEW("\xc2\x9b"), VIEW("\\xc2\\x9b")); /* U+009B, CSI */
    expect_escaped(VIEW("\xe2\x80\xae"
                        "x"),
                   VIEW("\\xe2\\x80\\xaex"));                      /* U+202E, right to left */
    expect_escaped(VIEW("\xe2\x80\xa8"), VIEW("\\xe2\\x80\\xa8")); /* U+2028, a line ends */
}

TEST(escape_shows_malformed_utf8)
{
    expect_escaped(VIEW("\x80"), VIEW("\\x80"));
    expect_escaped(VIEW("\xff\xfe"), VIEW("\\xff\\xfe"));
    expect_escaped(VIEW("\xc3"), VIEW("\\xc3"));
    expect_escaped(VIEW("\xe2\x82"), VIEW("\\xe2\\x82"));
    expect_escaped(VIEW("\xe2\x82x"), VIEW("\\xe2\\x82x"));
    expect_escaped(VIEW("\xc0\xaf"), VIEW("\\xc0\\xaf"));                   /* overlong */
    expect_escaped(VIEW("\xe0\x80\xaf"), VIEW("\\xe0\\x80\\xaf"));          /* overlong */
    expect_escaped(VIEW("\xf0\x80\x80\xaf"), VIEW("\\xf0\\x80\\x80\\xaf")); /* overlong */
    expect_escaped(VIEW("\xed\xa0\x80"), VIEW("\\xed\\xa0\\x80"));          /* surrogate */
    expect_escaped(VIEW("\xf4\x90\x80\x80"), VIEW("\\xf4\\x90\\x80\\x80")); /* too large */
}

TEST(escape_cuts_between_characters)
{
    uint8_t room[5];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_escaped(&writer, VIEW("abc\u20acd"));
    expect(writer.ran_short);
    expect_view(writer_view(&writer), VIEW("abc"));

    writer = writer_over(SPAN_OF(room));
    writer_put_escaped(&writer, VIEW("ab\n"));
    expect(writer.ran_short);
    expect_view(writer_view(&writer), VIEW("ab"));
}

/* Whatever goes in, what comes out has no control byte, and comes out of a second pass as it is. */
TEST(escape_is_always_safe)
{
    uint64_t seed = 4;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t text[24], room[4 * sizeof text];
        size_t length = test_random(&seed) % (sizeof text + 1);
        for (size_t i = 0; i < length; i++) {
            uint64_t value = test_random(&seed);
            text[i] = value & 0x100 ? (uint8_t)(0x80 | (value & 0x3f)) : (uint8_t)value;
        }
        struct writer writer = writer_over(SPAN_OF(room));
        writer_put_escaped(&writer, view_from(text, length));
        expect(!writer.ran_short);
        struct view shown = writer_view(&writer);
        for (size_t i = 0; i < shown.length_bytes; i++)
            expect(shown.bytes[i] >= 0x20 && shown.bytes[i] != 0x7f);
        uint8_t again_room[4 * sizeof text];
        struct writer again = writer_over(SPAN_OF(again_room));
        writer_put_escaped(&again, shown);
        expect_view(writer_view(&again), shown);
    }
}
