/* http_head.h - the strict parser of the heads of requests and responses (RFC 9110, RFC 9112).
 *
 * No I/O, no allocation, no waiting: bytes in, views into them out. It works in two steps, so that
 * what arrives in many pieces is neither searched twice nor decided differently:
 *
 *     http_head_search   looks for the end of the head, goes on where it stopped, and refuses at
 *                        the first byte that no head can hold (a control byte, a bare LF or CR);
 *     http_*_head_parse  reads a head that is whole.
 *
 * Strict means: what two recipients could read in two ways is refused, also where the RFC would
 * allow a guess (repeated Content-Length, folded lines, blanks round names, more than one space in
 * the request line).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_HEAD_H
#define LOOM_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "http/http.h"

/* Why a message is refused. */
struct http_refusal {
    unsigned status; /* what a server answers: 400, 413, 417, 431, 501, 505; 0: not refused */
    const char *why; /* a literal for the log: "a control byte in the head" */
};

/* ---- the end of the head ---- */

/* How far a head has been searched. Zeroed before each head. */
struct http_head_search {
    uint32_t searched_bytes; /* free of control bytes, except for whole line ends */
    uint32_t line_bytes;     /* where the line begins in which the search stopped */
};

enum http_head_found {
    HTTP_HEAD_PARTIAL,   /* the end has not come yet */
    HTTP_HEAD_WHOLE,     /* *head_bytes tells its length, with the empty line that ends it */
    HTTP_HEAD_MALFORMED, /* it can be no head, whatever follows */
};

/* Searches `bytes`, which begin where the message begins and are at most UINT32_MAX; on PARTIAL it
 * is called again with the same bytes and more behind them. One CRLF before the first line is
 * skipped (RFC 9112 2.2) and counted as part of the head. */
enum http_head_found http_head_search(struct http_head_search *search, struct view bytes,
                                      size_t *head_bytes);

/* ---- what both kinds of head have ---- */

/* Field lines, in room of the caller's. Values are without the blanks round them. */
struct http_fields {
    struct http_field *fields;
    size_t room;
    size_t count;
};

/* What the fields say of the message's frame and connection (RFC 9112 6 and 9). */
struct http_framing {
    bool chunked;            /* Transfer-Encoding: chunked, and nothing else */
    bool has_length;         /* Content-Length */
    uint64_t content_length; /* 0 without Content-Length */
    bool persistent;         /* the connection may go on: by version and Connection */
    bool expects_continue;   /* requests: Expect: 100-continue, from HTTP/1.1 on */
    bool has_host;           /* requests */
    struct view host;        /* the value of Host, with its port; checked */
};

/* The value of the first field of this name, or an empty view whose `bytes` is NULL. */
struct view http_fields_find(const struct http_field *fields, size_t count, struct view name);

/* Whether `name` is a token (RFC 9110 5.6.2) and `value` holds neither control bytes (but tabs) nor
 * DEL: what may be sent. */
bool http_field_name_is_valid(struct view name);
bool http_field_value_is_valid(struct view value);

/* Whether the comma-separated list `value` has the token `token`, in any case. */
bool http_list_has(struct view value, struct view token);

/* ---- requests ---- */

struct http_request_head {
    struct http_fields fields; /* set .fields and .room before the call */
    struct view method_text;
    enum http_method method; /* HTTP_METHODS: a token that is none of ours */
    struct view target;      /* as it was sent; 0x21 to 0x7e, not empty; see http_target.h */
    unsigned version_minor;  /* 0 or 1; a higher one is told as 1 (RFC 9110 2.5) */
    struct http_framing framing;
};

/* Parses a whole head, as http_head_search measured it. Refused: 400 malformed, or framed in two
 * ways; 413 a Content-Length of more than 64 bits; 417 an unknown expectation; 431 more fields than
 * there is room for; 501 an unknown method or transfer coding; 505 a version that is not 1.x.
 * After a refusal what was read before the fault is set, so that a log can show the first line. */
struct http_refusal http_request_head_parse(struct http_request_head *head, struct view bytes);

/* ---- responses ---- */

struct http_response_head {
    struct http_fields fields; /* set .fields and .room before the call */
    unsigned status;           /* 100 to 599 */
    struct view reason;        /* may be empty */
    unsigned version_minor;
    struct http_framing framing;
};

/* The same for a response. Any refusal means that the response is malformed; its status is of no
 * use to a client, but 431 tells that there were too many fields. */
struct http_refusal http_response_head_parse(struct http_response_head *head, struct view bytes);

/* How the body of a response ends (RFC 9112 6.3), which depends on the request's method too. */
enum http_body_end {
    HTTP_BODY_NONE,     /* HEAD, 1xx, 204, 304 */
    HTTP_BODY_LENGTH,   /* after framing.content_length bytes, which may be 0 */
    HTTP_BODY_CHUNKED,  /* with the last chunk */
    HTTP_BODY_TO_CLOSE, /* with the connection */
};

enum http_body_end http_response_head_body(const struct http_response_head *head,
                                           enum http_method method);

#endif
