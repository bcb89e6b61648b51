/* http_chunked.h - the chunked transfer coding (RFC 9112 7.1), both ways, without I/O.
 *
 *     5;name=value CR LF | h e l l o CR LF | 0 CR LF | Trailer: field CR LF | CR LF
 *     size and extension   data              last      trailers, dropped       end
 *
 * The decoder is fed bytes as they arrive and gives back views of the data among them. Extensions
 * and trailers are checked, bounded and dropped.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_CHUNKED_H
#define LOOM_HTTP_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"

#define HTTP_CHUNK_LINE_MAX   256  /* of a size with its extension */
#define HTTP_CHUNK_TRAILS_MAX 4096 /* of all trailers together */

/* Zeroed before each body. */
struct http_chunked {
    uint64_t left_bytes; /* of the chunk */
    uint32_t line_bytes; /* of the size line, or of the trailers, so far */
    uint8_t state;       /* enum in http_chunked.c; 0 at the start */
    uint8_t digits;      /* of the size, so far */
    bool line_is_empty;  /* of a trailer line: nothing but its end so far */
};

/* Takes from the front of `bytes`, which is not empty: *consumed_bytes of them, and *data, a view
 * into them (into what was consumed), which may be empty.
 * OK: go on, with more bytes where all are consumed. CLOSED: the body has ended; what stands behind
 * *consumed_bytes belongs to the next message; *data is empty. INVALID: malformed. TOO_LARGE: an
 * extension or the trailers are over their limit. */
enum result http_chunked_decode(struct http_chunked *chunked, struct view bytes,
                                size_t *consumed_bytes, struct view *data) CHECKED;

/* ---- encoding ---- */

#define HTTP_CHUNK_HEAD_MAX 18 /* sixteen digits and CRLF */

/* What stands before the data of a chunk: its size and CRLF. `length_bytes` is not zero. */
struct view http_chunk_head(uint8_t room[HTTP_CHUNK_HEAD_MAX], uint64_t length_bytes);

/* What stands behind the data, and what ends the body. */
#define HTTP_CHUNK_TAIL VIEW("\r\n")
#define HTTP_CHUNK_LAST VIEW("0\r\n\r\n")

#endif
