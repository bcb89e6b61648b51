/* parser.c - what it costs to find the end of a request's head, to read it, and to take its target
 * apart: what the server does with every request before anything else.
 *
 * Two heads: the one that wrk sends, and one as long as a browser's.
 *
 * SPDX-License-Identifier: ISC */
#include "inside.h"

#include "base/units.h"
#include "http/http_head.h"
#include "http/http_target.h"
#include "target/clock.h"

#define FIELDS_MAX 16

static const struct view short_head = {
    (const uint8_t *)"GET /1k.html HTTP/1.1\r\nHost: 10.77.0.1:8080\r\n\r\n", 48
};

static const char long_words[] =
    "GET /docs/weaving/warp-and-weft.html?from=index HTTP/1.1\r\n"
    "Host: loom.example.org\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    "\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Referer: https://loom.example.org/docs/\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: theme=dark; session=0123456789abcdef0123456789abcdef\r\n"
    "\r\n";

/* The room that a session of the server has for a request: not on the stack, where a hardened build
 * would clear it each time. */
static struct http_field fields[FIELDS_MAX];
static struct http_request_head head = { .fields = { .fields = fields, .room = FIELDS_MAX } };
static uint8_t path_room[128];

/* Whether the head was understood: what is measured must be right too. */
static bool parse_once(struct view bytes)
{
    struct http_head_search search = { 0 };
    struct http_target target;
    struct view path;
    size_t head_bytes;

    return http_head_search(&search, bytes, &head_bytes) == HTTP_HEAD_WHOLE &&
           http_request_head_parse(&head, view_first(bytes, head_bytes)).status == 0 &&
           http_target_split(head.target, head.method, &target).status == 0 &&
           http_path_decode(target.path, SPAN_OF(path_room), &path).status == 0 &&
           path.length_bytes > 1 && head.framing.has_host;
}

static enum result measure_round(const char *name, struct view bytes, uint64_t repeat_count)
{
    uint64_t begin_ns = clock_monotonic_ns();
    for (uint64_t i = 0; i < repeat_count; i++) {
        /* The compiler may not know that the bytes are the same each time. */
        __asm__ volatile("" : "+r"(bytes.bytes) : : "memory");
        if (!parse_once(bytes)) return INVALID;
    }
    inside_tell(name, clock_monotonic_ns() - begin_ns);
    return OK;
}

enum result inside_parser(const struct inside_parameters *parameters)
{
    const struct view long_head = { (const uint8_t *)long_words, sizeof long_words - 1 };
    enum result result = OK;

    inside_tell("heads", parameters->repeat_count);
    inside_tell("short_bytes", short_head.length_bytes);
    inside_tell("long_bytes", long_head.length_bytes);
    for (uint64_t round = 0; round < parameters->round_count && result == OK; round++) {
        result = measure_round("short_ns", short_head, parameters->repeat_count);
        if (result == OK) result = measure_round("long_ns", long_head, parameters->repeat_count);
    }
    return result;
}
