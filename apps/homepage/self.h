/* self.h - what the image tells about itself, as weft: the graph of its devices, and its sizes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef SELF_H
#define SELF_H

#include "kv/kv.h"
#include "woven.h"

/* graph.svg as it is, so that it takes the page's colours. */
struct graph_weft {
    struct weft weft;
    struct kv *self;
};
void graph_weft_init(struct graph_weft *graph, struct kv *self);

/* size.json as a table, a bar a module. */
struct sizes_weft {
    struct weft weft;
    struct kv *self;
};
void sizes_weft_init(struct sizes_weft *sizes, struct kv *self);

#endif
