/* homepage.h - the entry of Loom's own site.
 *
 * SPDX-License-Identifier: ISC */
#ifndef HOMEPAGE_H
#define HOMEPAGE_H

#include "base/result.h"

struct http;
struct kv;

/* Waits. Serves the site until a stop is requested: `pages` are its files, `self` is what the image
 * can tell about itself (kv_self). */
enum result homepage_start(struct http *http, struct kv *pages, struct kv *self) CHECKED;

#endif
