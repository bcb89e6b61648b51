/* http_framing.h - gathers, field by field, what frames a message (RFC 9112 6): for http_head.c.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_FRAMING_H
#define LOOM_HTTP_FRAMING_H

#include "http/http_head.h"

struct http_framing_reader {
    unsigned version_minor;
    bool is_response;
    bool closes, keeps_alive;
    struct http_framing framing;
};

/* Looks at one field. */
struct http_refusal http_framing_read(struct http_framing_reader *reader,
                                      const struct http_field *field);

/* Judges them together: 400 for a message that is framed in two ways. */
struct http_refusal http_framing_finish(struct http_framing_reader *reader,
                                        struct http_framing *framing);

#endif
