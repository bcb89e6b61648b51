/* http_condition.h - conditional requests: whether the client has the representation already
 * (RFC 9110 13).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_CONDITION_H
#define LOOM_HTTP_CONDITION_H

#include "http/http.h"

/* What tells one version of a representation from another. */
struct http_validators {
    struct view etag;     /* strong, with its quotes: "\"5e1c\""; empty: none */
    uint64_t modified_ns; /* wall clock; 0: not known. Dates of HTTP are whole seconds, so what is
                             below a second is not looked at */
};

enum http_condition {
    HTTP_CONDITION_HOLDS,        /* or there is none: answer as if the request had none */
    HTTP_CONDITION_NOT_MODIFIED, /* 304 */
    HTTP_CONDITION_FAILED,       /* 412 */
};

/* What If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since say together, in the
 * order of RFC 9110 13.2.2. The representation exists; ask only where the answer would otherwise be
 * a 2xx. A date that is malformed, or stands twice, is ignored; a malformed list of tags ends
 * where it is malformed. */
enum http_condition http_condition_check(const struct http_request *request,
                                         const struct http_validators *validators);

/* Whether Range counts: without If-Range, or when that names this very version (13.1.5). A date
 * counts only from the second after the modification on, when nothing else can have happened in the
 * second that it names (8.8.2.2). */
bool http_condition_range_counts(const struct http_request *request,
                                 const struct http_validators *validators, uint64_t wall_ns);

#endif
