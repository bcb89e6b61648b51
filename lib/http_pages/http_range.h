/* http_range.h - parts of a representation: Range, Content-Range and multipart/byteranges
 * (RFC 9110 14).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_RANGE_H
#define LOOM_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "base/writer.h"

#define HTTP_RANGES_MAX 16

struct http_range {
    uint64_t first_byte;
    uint64_t length_bytes; /* not zero */
};

struct http_ranges {
    struct http_range ranges[HTTP_RANGES_MAX];
    size_t count;
};

enum http_range_outcome {
    HTTP_RANGE_WHOLE,         /* send all of it: the field does not count */
    HTTP_RANGE_PARTS,         /* 206 with `count` parts, at least one */
    HTTP_RANGE_UNSATISFIABLE, /* 416: no part of it is within the representation */
};

/* Reads the value of a Range field for a representation of `size_bytes`. Ranges that overlap or
 * touch become one, where the first of them stood, so that no byte is sent twice; those that lie
 * outside are left out. What is malformed, has another unit, or names more than HTTP_RANGES_MAX
 * ranges does not count (14.2 allows a server that). */
enum http_range_outcome http_range_read(struct view value, uint64_t size_bytes,
                                        struct http_ranges *ranges);

/* The value of Content-Range: "bytes 0-9/100". */
#define HTTP_CONTENT_RANGE_MAX 70
void http_range_write(struct writer *writer, struct http_range range, uint64_t size_bytes);

/* The same for 416, where no range is: a star in its place and then the size. */
void http_range_write_none(struct writer *writer, uint64_t size_bytes);

/* ---- multipart/byteranges (14.6) ---- */

#define HTTP_BOUNDARY_BYTES 24

struct http_multipart {
    uint8_t
        boundary[HTTP_BOUNDARY_BYTES]; /* made of random, so no content can hold it but by luck */
    struct view media_type;            /* of the representation; empty: none */
    uint64_t size_bytes;               /* of the representation */
};

void http_multipart_init(struct http_multipart *multipart, struct view media_type,
                         uint64_t size_bytes);

#define HTTP_MULTIPART_TYPE_MAX (32 + HTTP_BOUNDARY_BYTES)
#define HTTP_PART_HEAD_MAX      (128 + HTTP_BOUNDARY_BYTES + HTTP_CONTENT_RANGE_MAX)
#define HTTP_PART_MEDIA_MAX     64 /* a longer media type is left out of the parts */

/* The media type of the response; what stands before a part's bytes; and what ends the body. */
void http_multipart_write_type(struct writer *writer, const struct http_multipart *multipart);
void http_multipart_write_head(struct writer *writer, const struct http_multipart *multipart,
                               struct http_range range);
void http_multipart_write_end(struct writer *writer, const struct http_multipart *multipart);

/* The length of the whole body. */
uint64_t http_multipart_length(const struct http_multipart *multipart,
                               const struct http_ranges *ranges);

#endif
