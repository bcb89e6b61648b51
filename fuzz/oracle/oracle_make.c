/* oracle_make.c - makes requests: mostly sound ones, with the doubtful parts that are used to
 * smuggle among the choices, and then a byte or two changed.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "base/writer.h"
#include "oracle.h"

struct maker {
    uint64_t state;
    struct writer writer;
};

/* SplitMix64 */
static uint64_t draw(struct maker *maker)
{
    uint64_t mixed = maker->state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

static size_t below(struct maker *maker, size_t limit)
{
    return (size_t)(draw(maker) % limit);
}

static void put(struct maker *maker, const char *text)
{
    writer_put(&maker->writer, view_from_string(text));
}

/* The first choice is the plain one, and is taken mostly: a request with one doubt tells more than
 * one with ten. */
static void put_one(struct maker *maker, const char *const choices[], size_t count)
{
    put(maker, choices[below(maker, 10) != 0 ? 0 : below(maker, count)]);
}

#define PUT_ONE(maker, ...) \
    put_one(maker, (const char *const[]){ __VA_ARGS__ }, \
            LENGTH_OF(((const char *const[]){ __VA_ARGS__ })))

static void put_line(struct maker *maker)
{
    PUT_ONE(maker, "", "", "", "", "\r\n", "\n", "\r\n\r\n");
    PUT_ONE(maker, "GET", "POST", "HEAD", "PUT", "OPTIONS", "BREW", "get", "G@T", "");
    PUT_ONE(maker, " ", " ", " ", "  ", "\t", "");
    PUT_ONE(maker, "/", "/a/b?c=d", "*", "http://a/b", "/a%20b", "/a#b", "a", "/\x80", "//", "");
    PUT_ONE(maker, " ", " ", " ", "  ", "\t", "");
    PUT_ONE(maker, "HTTP/1.1", "HTTP/1.0", "HTTP/1.1 ", "HTTP/2.0", "HTTP/0.9", "http/1.1",
            "HTTP/1.10", "HTTP/11", "HTTP/ 1.1", "");
}

static void put_end(struct maker *maker)
{
    if (below(maker, 30) != 0) {
        put(maker, "\r\n");
    } else {
        PUT_ONE(maker, "\n", "\r", "\r\r\n", "\r\n ", "\r\n\t", " \r\n", "\0");
    }
}

static void put_name_end(struct maker *maker)
{
    if (below(maker, 40) != 0) {
        put(maker, ":");
    } else {
        PUT_ONE(maker, " :", "\t:", "", "::", "\r\n:");
    }
}

static void put_host(struct maker *maker)
{
    put(maker, "Host");
    put_name_end(maker);
    PUT_ONE(maker, " a", "a:80", " ", "", " a b", " a,b", " [::1]:80", " user@a", " a:x", " a/b");
    put_end(maker);
}

static void put_length(struct maker *maker)
{
    PUT_ONE(maker, "Content-Length", "content-length", "CONTENT-LENGTH", "Content_Length");
    put_name_end(maker);
    PUT_ONE(maker, " 5", "5", " 0", " 3", " 05", " +5", " -1", " 5,5", " 5 5", " 0x5", "",
            " 99999999999999999999", " 5\t", " 5;");
    put_end(maker);
}

static void put_coding(struct maker *maker)
{
    PUT_ONE(maker, "Transfer-Encoding", "transfer-encoding", "Transfer_Encoding");
    put_name_end(maker);
    PUT_ONE(maker, " chunked", "chunked", " Chunked", " gzip", " gzip, chunked", " chunked, gzip",
            " chunked,chunked", " xchunked", " chunkedx", "", " identity", " \"chunked\"",
            " chunked;q=1", "\tchunked \t", " ,chunked");
    put_end(maker);
}

static void put_field(struct maker *maker)
{
    PUT_ONE(maker, "Accept", "X", "x-y_z", "X y", "", "(", "\x80", "User-Agent");
    put_name_end(maker);
    PUT_ONE(maker, " */*", "", " a b", " \x80\xff", " a\tb", " a\x01", " a\x7f", " \"q\"");
    put_end(maker);
}

static void put_connection(struct maker *maker)
{
    put(maker, "Connection");
    put_name_end(maker);
    PUT_ONE(maker, " close", " keep-alive", " Close", " x, close", " keep-alive,close", " x", "",
            " closed");
    put_end(maker);
}

static void put_chunks(struct maker *maker)
{
    PUT_ONE(maker, "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n",
            "5\nhello\n0\n\n", "5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
            "+5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n00\r\n\r\n",
            "5\r\nhello\r\n0\r\nT : x\r\n\r\n", "5\r\nhello\r\n\r\n", "5;\r\nhello\r\n0;\r\n\r\n",
            "0\r\n\r\n", "5;\x01\r\nhello\r\n", "hello",
            "3;a=\"b;\"\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\nC:\r\n\r\n");
}

/* True: with a chunked body. */
static bool put_fields(struct maker *maker)
{
    void (*const kinds[])(struct maker *) = { put_field, put_length, put_coding, put_connection,
                                              put_host };
    size_t body = below(maker, 4); /* 1: with a length, 2: chunked, else none */
    if (below(maker, 32) != 0) put_host(maker);
    for (size_t i = below(maker, 3); i > 0; i--)
        put_field(maker);
    if (body == 1) put_length(maker);
    if (body == 2) put_coding(maker);
    if (below(maker, 8) == 0) kinds[below(maker, LENGTH_OF(kinds))](maker);
    if (below(maker, 4) == 0) put_connection(maker);
    return body == 2;
}

static void mutate(struct maker *maker)
{
    static const char nasty[] = "\0\t\n\r :;,/%0a\x7f\x80\xff\"";
    struct writer *writer = &maker->writer;
    if (writer->length_bytes == 0) return;
    size_t at = below(maker, writer->length_bytes);
    uint8_t byte = (uint8_t)nasty[below(maker, sizeof nasty - 1)];
    uint8_t *bytes = writer->room.bytes;
    size_t behind_bytes = writer->length_bytes - at;
    switch (below(maker, 3)) {
    case 0: bytes[at] = byte; break;
    case 1:
        __builtin_memmove(&bytes[at], &bytes[at + 1], behind_bytes - 1);
        writer->length_bytes--;
        break;
    default:
        if (writer_left(writer) == 0) return;
        __builtin_memmove(&bytes[at + 1], &bytes[at], behind_bytes);
        bytes[at] = byte;
        writer->length_bytes++;
    }
}

struct view oracle_make(uint64_t seed, struct span room)
{
    struct maker maker = { .state = seed, .writer = writer_over(room) };
    put_line(&maker);
    put_end(&maker);
    bool chunked = put_fields(&maker);
    put_end(&maker);
    if (chunked) {
        put_chunks(&maker);
    } else {
        put(&maker, "hello");
    }
    assert(!maker.writer.ran_short);
    for (size_t i = below(&maker, 5) / 2; i > 0; i--)
        mutate(&maker);
    return writer_view(&maker.writer);
}
