/* kv_crunch.h - a kv whose values are part of the image: read-only, without a copy, ready before
 * the first instruction.
 *
 * `loom-crunch` makes the tables from a directory when the image is built: sorted by key, with
 * digest, media type and the gzip and brotli variants worked out there.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_CRUNCH_H
#define LOOM_KV_CRUNCH_H

#include "kv/kv.h"

struct kv_crunch_page {
    struct view key;
    struct view bytes;
    struct view media_type;
    struct view coded[KV_CODINGS];
    uint64_t modified_ns;
    struct kv_digest digest;
};

/* Defined by the generated file, under the name that was given to loom-crunch. */
struct kv_crunch_pages {
    const struct kv_crunch_page *pages; /* in byte order of their keys */
    size_t count;
};

struct kv_crunch {
    struct kv kv;
    const struct kv_crunch_pages *pages;
};

enum result kv_crunch_open(struct kv_crunch *crunch, const struct kv_crunch_pages *pages) CHECKED;
void kv_crunch_close(struct kv_crunch *crunch);

#endif
