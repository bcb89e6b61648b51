/* http_target.h - request targets (RFC 9112 3.2) and the paths in them (RFC 3986 3.3).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_TARGET_H
#define LOOM_HTTP_TARGET_H

#include <stdbool.h>

#include "http/http_head.h"

struct http_target {
    bool is_asterisk;      /* "*": OPTIONS of the server as a whole; the rest is empty */
    struct view authority; /* of the absolute form, checked; empty otherwise */
    struct view path;      /* still percent-encoded; begins with "/", or empty (absolute form) */
    struct view query;     /* without the "?" */
};

/* Takes the target of a head apart. 400: a form that this method may not use, another scheme than
 * http, user information, an empty or malformed authority, a fragment. */
struct http_refusal http_target_split(struct view target, enum http_method method,
                                      struct http_target *parts);

/* Decodes and normalises a path: percent-decoding, then "." and ".." segments removed (RFC 3986
 * 5.2.4). The result is a view of `encoded` when nothing had to change, otherwise of `room`, which
 * is at least as long. `encoded` begins with a slash or is empty. An empty path becomes "/". 400:
 * malformed percent-encoding, an encoded slash or NUL, ".." above the root. */
struct http_refusal http_path_decode(struct view encoded, struct span room, struct view *path);

/* Whether `authority` is host [":" port] as in Host (RFC 9110 7.2), without user information; gives
 * its host without the port (an IPv6 literal keeps its brackets) and the port, 0 when it has none.
 */
bool http_authority_split(struct view authority, struct view *host, uint16_t *port);

#endif
