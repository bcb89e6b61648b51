/* site.h - the entry of the tests' site, and its handlers.
 *
 * SPDX-License-Identifier: ISC */
#ifndef SITE_H
#define SITE_H

#include "base/result.h"

struct http;
struct http_handler;
struct kv;
struct tcp;

/* Waits. Serves `pages` on every host, and `other` on those below "wild.test"; calls others with
 * `tcp`. */
enum result site_start(struct http *http, struct kv *pages, struct kv *other,
                       struct tcp *tcp) CHECKED;

/* Answers at once: what was asked for, in words. */
extern struct http_handler site_hello, site_about, site_admin, site_redirect, site_error,
    site_result;

/* Bodies that come or go piece by piece. */
extern struct http_handler site_echo, site_count, site_ignore, site_stream, site_length, site_slow,
    site_drip;

/* Calls others. */
void site_calls_init(struct tcp *of);
extern struct http_handler site_push, site_pull;

/* Breaks the image, in several ways. */
extern struct http_handler site_crash;

#endif
