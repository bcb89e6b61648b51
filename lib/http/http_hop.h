/* http_hop.h - where a fetch goes: the URL it was given, and then those it is redirected to
 * (RFC 9110 15.4). For implementations of http_client, which share these rules.
 *
 * The room that the caller gave is used so:
 *
 *     | url of this hop | names and values of the fields of its response | ... |
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_HOP_H
#define LOOM_HTTP_HOP_H

#include "http/http.h"
#include "http/http_url.h"

struct http_hop {
    const struct http_fetch *fetch;
    struct http_fetched *fetched;
    struct http_url url; /* its views are into fetched->room */
    enum http_method method;
    bool has_body;    /* the fetch's body is sent */
    bool has_secrets; /* Authorization and Cookie are sent: no other origin has been seen */
    unsigned redirects_left;
};

/* INVALID, UNSUPPORTED: the URL, as http_fetch says. TOO_LARGE: longer than HTTP_URL_MAX, or than
 * the room. */
enum result http_hop_begin(struct http_hop *hop, const struct http_fetch *fetch,
                           struct http_fetched *fetched) CHECKED;

/* Whether the fetch goes on from a response with this status and these fields, or has got its
 * answer. */
bool http_hop_is_followed(const struct http_hop *hop, unsigned status,
                          const struct http_field fields[], size_t count);

/* Goes on: what http_hop_is_followed was true for becomes the next hop. Results as http_hop_begin.
 * The fields may lie anywhere but in fetched->room. */
enum result http_hop_follow(struct http_hop *hop, unsigned status, const struct http_field fields[],
                            size_t count) CHECKED;

/* Whether a field of the fetch goes into the request of this hop: those that frame the message or
 * name the host are the client's own to write, and some are not for every hop. */
bool http_hop_sends_field(const struct http_hop *hop, struct view name);

/* The length of the request's body in this hop: 0 for none, HTTP_LENGTH_UNKNOWN for chunked. */
uint64_t http_hop_body_length(const struct http_hop *hop);

/* Copies the head of the answer into the caller's room. TOO_LARGE: it does not fit, or has more
 * fields than there is room for; where the caller has room for no field at all, none is wanted. */
enum result http_hop_answer(const struct http_hop *hop, unsigned status,
                            const struct http_field fields[], size_t count) CHECKED;

#endif
