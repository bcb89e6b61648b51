/* http_chunked_test.c - the chunked coding, in pieces of every size.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "http/http_chunked.h"
#include "test/test.h"

static uint8_t room[65536];

/* Decodes `bytes` in steps into `room`; *consumed_bytes tells how far it came. OK: not yet whole.
 */
static enum result decode(struct view bytes, size_t step_bytes, struct view *data,
                          size_t *consumed_bytes)
{
    struct http_chunked chunked = { 0 };
    struct writer writer = writer_over(SPAN_OF(room));
    enum result result = OK;
    *consumed_bytes = 0;
    while (result == OK && *consumed_bytes < bytes.length_bytes) {
        size_t n = MIN(step_bytes, bytes.length_bytes - *consumed_bytes);
        size_t taken_bytes;
        struct view piece;
        result = http_chunked_decode(&chunked, view_slice(bytes, *consumed_bytes, n), &taken_bytes,
                                     &piece);
        expect(taken_bytes <= n && (result != OK || taken_bytes > 0));
        *consumed_bytes += taken_bytes;
        writer_put(&writer, piece);
    }
    *data = writer_view(&writer);
    return result;
}

static void decodes_to(struct view bytes, struct view wanted, size_t rest_bytes)
{
    for (size_t step = 1; step <= bytes.length_bytes; step++) {
        struct view data;
        size_t consumed_bytes;
        expect_result(decode(bytes, step, &data, &consumed_bytes), CLOSED);
        expect_view(data, wanted);
        expect_that(consumed_bytes, ==, bytes.length_bytes - rest_bytes);
    }
}

static void fails(struct view bytes, enum result wanted)
{
    for (size_t step = 1; step <= bytes.length_bytes; step++) {
        struct view data;
        size_t consumed_bytes;
        expect_result(decode(bytes, step, &data, &consumed_bytes), wanted);
    }
}

TEST(http_chunked_decodes)
{
    decodes_to(VIEW("0\r\n\r\n"), VIEW(""), 0);
    decodes_to(VIEW("5\r\nhello\r\n0\r\n\r\n"), VIEW("hello"), 0);
    decodes_to(VIEW("5\r\nhello\r\n7\r\n, world\r\n000\r\n\r\nGET /"), VIEW("hello, world"), 5);
    decodes_to(VIEW("a\r\n0123456789\r\nA;x=\"y z\\\";\";v=w;u\r\n0123456789\r\n0;last\r\n\r\n"),
               VIEW("01234567890123456789"), 0);
    decodes_to(VIEW("1\r\n\r\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n"), VIEW("\r"), 0);
    decodes_to(VIEW("0000000000000001\r\nx\r\n0\r\n\r\n"), VIEW("x"), 0);
}

TEST(http_chunked_refuses)
{
    fails(VIEW("\r\n"), INVALID);
    fails(VIEW("x\r\n"), INVALID);
    fails(VIEW("-1\r\n"), INVALID);
    fails(VIEW("+1\r\n"), INVALID);
    fails(VIEW("0x1\r\n"), INVALID);
    fails(VIEW(" 1\r\n"), INVALID);
    fails(VIEW("1 \r\n"), INVALID);
    fails(VIEW("1\n"), INVALID);
    fails(VIEW("1\r\r\n"), INVALID);
    fails(VIEW("1;a\nb\r\n"), INVALID);
    fails(VIEW("1\r\nxy"), INVALID);
    fails(VIEW("1\r\nx\n"), INVALID);
    fails(VIEW("1\r\nx\rX"), INVALID);
    fails(VIEW("00000000000000001\r\n"), INVALID);
    fails(VIEW("0\r\n\n"), INVALID);
    fails(VIEW("1;\r\n"), INVALID);
    fails(VIEW("1; a\r\n"), INVALID);
    fails(VIEW("1;a \r\n"), INVALID);
    fails(VIEW("1;a=\r\n"), INVALID);
    fails(VIEW("1;a=\"b\r\n"), INVALID);
    fails(VIEW("1;a=\"b\"c\r\n"), INVALID);
    fails(VIEW("1;a=\"\\\x01\"\r\n"), INVALID);
    fails(VIEW("1;a\"\r\n"), INVALID);
    fails(VIEW("0\r\nT : x\r\n\r\n"), INVALID);
    fails(VIEW("0\r\n: x\r\n\r\n"), INVALID);
    fails(VIEW("0\r\nT\r\n\r\n"), INVALID);
    fails(VIEW("0\r\n folded: x\r\n\r\n"), INVALID);
    fails(VIEW("0\r\nA: x\n\r\n"), INVALID);
    fails(VIEW("0\r\n\rX"), INVALID);
}

TEST(http_chunked_bounds_what_it_drops)
{
    struct writer writer = writer_over(SPAN_OF(room));
    struct http_chunked chunked = { 0 };
    struct view data;
    size_t consumed_bytes;
    writer_put(&writer, VIEW("1;"));
    span_fill(writer_take(&writer, HTTP_CHUNK_LINE_MAX), 'x');
    expect_result(http_chunked_decode(&chunked, writer_view(&writer), &consumed_bytes, &data),
                  TOO_LARGE);
    writer.length_bytes = 0;
    writer_put(&writer, VIEW("0\r\n"));
    for (unsigned i = 0; i < HTTP_CHUNK_TRAILS_MAX / 6 + 1; i++)
        writer_put(&writer, VIEW("A: x\r\n"));
    chunked = (struct http_chunked){ 0 };
    expect_result(http_chunked_decode(&chunked, writer_view(&writer), &consumed_bytes, &data),
                  TOO_LARGE);
}

TEST(http_chunked_never_reads_past_its_input)
{
    struct view text = VIEW("5;e=f\r\nhello\r\n0\r\nA: b\r\n\r\n");
    for (size_t n = 1; n < text.length_bytes; n++) {
        struct view data, guarded = test_guarded(view_first(text, n));
        size_t consumed_bytes;
        expect_ok(decode(guarded, n, &data, &consumed_bytes));
    }
}

TEST(http_chunked_encodes)
{
    uint8_t head[HTTP_CHUNK_HEAD_MAX];
    expect_view(http_chunk_head(head, 1), VIEW("1\r\n"));
    expect_view(http_chunk_head(head, 255), VIEW("ff\r\n"));
    expect_view(http_chunk_head(head, UINT64_MAX), VIEW("ffffffffffffffff\r\n"));
}
