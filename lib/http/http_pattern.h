/* http_pattern.h - the patterns of routes: "/posts/{year}". For http_route.c.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_PATTERN_H
#define LOOM_HTTP_PATTERN_H

#include "http/http.h"

/* NULL when the pattern, or the host, is well-formed; otherwise what is wrong with it. */
const char *http_pattern_check(struct view pattern);
const char *http_pattern_host_check(struct view host);

bool http_pattern_is_literal(struct view pattern);

/* Negative, zero or positive: which wins. Zero: they match the same paths (names of parameters do
 * not count), or hosts. */
int http_pattern_compare(struct view a, struct view b);
int http_pattern_host_compare(struct view a, struct view b);

/* Whether `path` matches, and its parameters (only set when it does). */
bool http_pattern_match(struct view pattern, struct view path, struct http_field parameters[],
                        size_t *parameter_count);

/* Whether a request's host (without port) matches that of a route. */
bool http_pattern_host_match(struct view pattern, struct view host);

#endif
