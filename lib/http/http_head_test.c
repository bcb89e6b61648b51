/* http_head_test.c - the parser of heads: what it reads, what it refuses, and that neither depends
 * on how the bytes arrive.
 *
 * In the manner of picohttpparser's tests: the input ends at an unmapped page, every prefix of a
 * message is tried, and every mutation of a byte is decided the same whole and byte by byte.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "http/http_head.h"
#include "test/test.h"

#define FIELDS_MAX 16

static struct http_field fields[FIELDS_MAX];

static struct http_request_head request;
static struct http_response_head response;

/* What became of a message. */
struct verdict {
    enum http_head_found found;
    size_t head_bytes;
    struct http_refusal refusal;
};

static struct http_refusal parse_request(struct view head)
{
    request.fields = (struct http_fields){ .fields = fields, .room = FIELDS_MAX };
    return http_request_head_parse(&request, head);
}

static struct http_refusal parse_response(struct view head)
{
    response.fields = (struct http_fields){ .fields = fields, .room = FIELDS_MAX };
    return http_response_head_parse(&response, head);
}

typedef struct http_refusal parse_function(struct view head);

static struct verdict judge(parse_function *parse, struct view bytes, size_t step_bytes)
{
    struct verdict verdict = { .found = HTTP_HEAD_PARTIAL };
    struct http_head_search search = { 0 };
    for (size_t n = 0; verdict.found == HTTP_HEAD_PARTIAL && n < bytes.length_bytes;) {
        n = MIN(n + step_bytes, bytes.length_bytes);
        verdict.found = http_head_search(&search, view_first(bytes, n), &verdict.head_bytes);
    }
    if (verdict.found == HTTP_HEAD_WHOLE)
        verdict.refusal = parse(view_first(bytes, verdict.head_bytes));
    return verdict;
}

/* At the end of a page, whole. */
static struct verdict judge_guarded(parse_function *parse, struct view bytes)
{
    struct view guarded = test_guarded(bytes);
    return judge(parse, guarded, bytes.length_bytes);
}

static void accepted(struct view text)
{
    struct verdict verdict = judge_guarded(parse_request, text);
    expect_that(verdict.found, ==, HTTP_HEAD_WHOLE);
    expect_that(verdict.head_bytes, ==, text.length_bytes);
    expect_that(verdict.refusal.status, ==, 0);
}

/* A whole head that is refused with this status. */
static void refused(struct view text, unsigned status)
{
    struct verdict verdict = judge(parse_request, text, text.length_bytes);
    expect_that(verdict.found, ==, HTTP_HEAD_WHOLE);
    expect_that(verdict.refusal.status, ==, status);
    expect(verdict.refusal.why != NULL);
}

static void malformed(struct view text)
{
    expect_that(judge(parse_request, text, text.length_bytes).found, ==, HTTP_HEAD_MALFORMED);
}

static const char browser[] =
    "GET /posts/2026/first.html?a=1&b=2 HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: a=b; c=d\r\n"
    "Empty:\r\n"
    "Blanks: \t x y \t \r\n"
    "\r\n";

TEST(http_head_reads_a_request)
{
    accepted(view_from_string(browser));
    expect_that(request.method, ==, HTTP_GET);
    expect_view(request.method_text, VIEW("GET"));
    expect_view(request.target, VIEW("/posts/2026/first.html?a=1&b=2"));
    expect_that(request.version_minor, ==, 1);
    expect_that(request.fields.count, ==, 9);
    expect_view(request.framing.host, VIEW("localhost:8080"));
    expect(request.framing.persistent && !request.framing.has_length && !request.framing.chunked);
    expect_view(http_fields_find(fields, 9, VIEW("cookie")), VIEW("a=b; c=d"));
    expect_view(http_fields_find(fields, 9, VIEW("BLANKS")), VIEW("x y"));
    struct view empty = http_fields_find(fields, 9, VIEW("empty"));
    expect(empty.bytes != NULL && empty.length_bytes == 0);
    expect(http_fields_find(fields, 9, VIEW("absent")).bytes == NULL);
}

TEST(http_head_reads_what_frames)
{
    accepted(VIEW("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551614\r\n\r\n"));
    expect(request.framing.has_length);
    expect_that(request.framing.content_length, ==, UINT64_MAX - 1);
    accepted(VIEW("POST / HTTP/1.1\r\nHost:\r\ntransfer-ENCODING:\tChunked \r\n\r\n"));
    expect(request.framing.chunked && request.framing.has_host);
    accepted(VIEW("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n"));
    expect(request.framing.expects_continue);
    accepted(VIEW("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"));
    expect(!request.framing.expects_continue && !request.framing.persistent);
    accepted(VIEW("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
    expect(!request.framing.persistent);
    accepted(VIEW("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    expect(request.framing.persistent);
    accepted(VIEW("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
    expect(!request.framing.persistent);
    accepted(VIEW("GET / HTTP/1.7\r\nHost: a\r\n\r\n"));
    expect_that(request.version_minor, ==, 1);
    accepted(VIEW("\r\nDELETE / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"));
    expect_that(request.method, ==, HTTP_DELETE);
    accepted(VIEW("GET / HTTP/1.1\r\nHost: a\r\nX: \x80\xff\tz\r\n\r\n"));
    accepted(VIEW("GET / HTTP/1.0\r\n\r\n"));
}

TEST(http_head_refuses_what_no_head_holds)
{
    malformed(VIEW("GET / HTTP/1.1\nHost: a\n\n"));
    malformed(VIEW("GET / HTTP/1.1\r\nHost: a\n\r\n"));
    malformed(VIEW("GET / HTTP/1.1\r\nHost: a\r\n\n"));
    malformed(VIEW("GET / HTTP/1.1\rHost: a\r\n\r\n"));
    malformed(VIEW("GET / HTTP/1.1\r\nHost: a\r\r\n"));
    malformed(VIEW("GET /\0 HTTP/1.1\r\n"));
    malformed(VIEW("GET / HTTP/1.1\r\nX: a\x7f"));
    malformed(VIEW("GET / HTTP/1.1\r\nX: \x1b[2J"));
    malformed(VIEW("\n"));
    malformed(VIEW("\x16\x03\x01"));
}

TEST(http_head_refuses_request_lines)
{
    refused(VIEW("\r\n\r\n"), 400);
    refused(VIEW("GET\r\n\r\n"), 400);
    refused(VIEW("GET /\r\n\r\n"), 400);
    refused(VIEW("GET  / HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("GET /  HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1 \r\n\r\n"), 400);
    refused(VIEW("GET\t/ HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW(" GET / HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("G(T / HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("GET /\xc3\xa4 HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("GET /#top HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("GET / http/1.1\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.10\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/11\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/0.9\r\n\r\n"), 505);
    refused(VIEW("GET / HTTP/2.0\r\n\r\n"), 505);
    refused(VIEW("PRI * HTTP/2.0\r\n\r\n"), 505);
    refused(VIEW("get / HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    refused(VIEW("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
    refused(VIEW("\r\n\r\nGET / HTTP/1.0\r\n\r\n"), 400);
}

/* judge() stops at the end of the first head, so these are whole heads of their own. */
TEST(http_head_refuses_fields)
{
    refused(VIEW("GET / HTTP/1.1\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: [x]\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a,b\r\nHost : a\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\nX\t: y\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa4: x\r\n\r\n"), 400);
    refused(VIEW("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"), 417);
}

TEST(http_head_refuses_framing_in_two_ways)
{
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
    refused(VIEW(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length: 1, 1\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length: +1\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length: -1\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length: 0x1\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length: 1 1\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length:\r\n\r\n"), 400);
    refused(VIEW(POST "Content-Length: 18446744073709551615\r\n\r\n"), 413);
    refused(VIEW(POST "Content-Length: 99999999999999999999999\r\n\r\n"), 413);
    refused(VIEW(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    refused(VIEW(POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"), 400);
    refused(VIEW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    refused(VIEW(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 501);
    refused(VIEW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
    refused(VIEW(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501);
    refused(VIEW(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501);
    refused(VIEW(POST "Transfer-Encoding:\r\n\r\n"), 501);
    refused(VIEW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(http_head_counts_fields)
{
    static uint8_t room[1024];
    for (unsigned n = FIELDS_MAX - 1; n <= FIELDS_MAX; n++) {
        struct writer writer = writer_over(SPAN_OF(room));
        writer_put(&writer, VIEW("GET / HTTP/1.1\r\nHost: a\r\n"));
        for (unsigned i = 0; i < n; i++)
            writer_put(&writer, VIEW("X: y\r\n"));
        writer_put(&writer, VIEW("\r\n"));
        unsigned status = judge(parse_request, writer_view(&writer), 1).refusal.status;
        expect_that(status, ==, n < FIELDS_MAX ? 0 : 431);
    }
}

TEST(http_head_reads_responses)
{
#define HEAD_OF(text) parse_response(VIEW("HTTP/1.1 " text "\r\n\r\n")).status
    expect_that(HEAD_OF("200 OK"), ==, 0);
    expect_that(response.status, ==, 200);
    expect_view(response.reason, VIEW("OK"));
    expect_that(http_response_head_body(&response, HTTP_GET), ==, HTTP_BODY_TO_CLOSE);
    expect_that(HEAD_OF("404 Not really found\r\nContent-Length: 3"), ==, 0);
    expect_view(response.reason, VIEW("Not really found"));
    expect_that(http_response_head_body(&response, HTTP_GET), ==, HTTP_BODY_LENGTH);
    expect_that(http_response_head_body(&response, HTTP_HEAD), ==, HTTP_BODY_NONE);
    expect_that(HEAD_OF("200 \r\nTransfer-Encoding: chunked"), ==, 0);
    expect_that(http_response_head_body(&response, HTTP_GET), ==, HTTP_BODY_CHUNKED);
    expect_that(HEAD_OF("304"), ==, 0);
    expect_that(http_response_head_body(&response, HTTP_GET), ==, HTTP_BODY_NONE);
    expect_that(HEAD_OF("099 x"), !=, 0);
    expect_that(HEAD_OF("600 x"), !=, 0);
    expect_that(HEAD_OF("20 x"), !=, 0);
    expect_that(HEAD_OF("2000 x"), !=, 0);
    expect_that(HEAD_OF(" 200 x"), !=, 0);
    expect_that(HEAD_OF("200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"), !=, 0);
    expect_that(parse_response(VIEW("HTTP/2.0 200 OK\r\n\r\n")).status, !=, 0);
    expect_that(parse_response(VIEW("ICY 200 OK\r\n\r\n")).status, !=, 0);
    expect_that(parse_response(VIEW("\r\nHTTP/1.1 200 OK\r\n\r\n")).status, !=, 0);
}

/* ---- however the bytes arrive ---- */

TEST(http_head_is_partial_until_it_is_whole)
{
    struct view text = view_from_string(browser);
    for (size_t n = 1; n < text.length_bytes; n++)
        expect_that(judge(parse_request, view_first(text, n), n).found, ==, HTTP_HEAD_PARTIAL);
    /* The last sixteen prefixes at an unmapped page: every remainder of the wide search. */
    for (size_t n = text.length_bytes - 33; n < text.length_bytes; n++)
        expect_that(judge_guarded(parse_request, view_first(text, n)).found, ==, HTTP_HEAD_PARTIAL);
}

static void same_verdict(parse_function *parse, struct view text)
{
    struct verdict whole = judge(parse, text, text.length_bytes);
    struct verdict bytes = judge(parse, text, 1);
    struct verdict sevens = judge(parse, text, 7);
    expect(whole.found == bytes.found && whole.found == sevens.found);
    expect(whole.refusal.status == bytes.refusal.status && whole.refusal.why == sevens.refusal.why);
    if (whole.found == HTTP_HEAD_WHOLE)
        expect(whole.head_bytes == bytes.head_bytes && whole.head_bytes == sevens.head_bytes);
}

static void mutate(parse_function *parse, struct view message)
{
    static uint8_t room[1024];
    struct view text = view_from(room, message.length_bytes);
    (void)span_copy(SPAN_OF(room), message);
    for (size_t i = 0; i < message.length_bytes; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            room[i] = (uint8_t)byte;
            same_verdict(parse, text);
        }
        room[i] = message.bytes[i];
    }
}

TEST(http_head_is_decided_the_same_in_pieces)
{
    mutate(parse_request, view_from_string(browser));
    mutate(parse_request, VIEW("\r\nPOST http://a/b HTTP/1.1\r\nHost: a:80\r\n"
                               "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n0123456789"));
    mutate(parse_request, VIEW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"));
    mutate(parse_response, VIEW("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
                                "Connection: close\r\n\r\n"));
}

/* What is accepted holds nothing that another recipient could read otherwise. */
TEST(http_head_accepts_nothing_doubtful)
{
    static uint8_t room[512];
    struct view message = VIEW("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y\r\n\r\n");
    struct view text = view_from(room, message.length_bytes);
    unsigned accepted_count = 0;
    for (size_t i = 0; i < message.length_bytes; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            (void)span_copy(SPAN_OF(room), message);
            room[i] = (uint8_t)byte;
            struct verdict verdict = judge(parse_request, text, text.length_bytes);
            if (verdict.found != HTTP_HEAD_WHOLE || verdict.refusal.status != 0) continue;
            accepted_count++;
            for (size_t f = 0; f < request.fields.count; f++) {
                expect(http_field_name_is_valid(fields[f].name));
                expect(http_field_value_is_valid(fields[f].value));
                expect(view_equal(fields[f].value, view_trim(fields[f].value)));
            }
        }
    }
    expect_that(accepted_count, >, message.length_bytes);
}
