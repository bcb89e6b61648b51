/* page.h - the entry of the server that `make bench` puts load on.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BENCH_PAGE_H
#define LOOM_BENCH_PAGE_H

#include "http/http.h"
#include "kv/kv.h"

enum result page_start(struct http *http, struct kv *pages);

#endif
