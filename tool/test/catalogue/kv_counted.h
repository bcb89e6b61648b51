/* kv_counted.h - a kv that passes all on to another and counts what was opened.
 *
 * SPDX-License-Identifier: ISC */
#ifndef KV_COUNTED_H
#define KV_COUNTED_H

#include "kv/kv.h"

struct kv_counted {
    struct kv kv;
    struct kv *below;
    uint64_t opened_count;
};

enum result kv_counted_open(struct kv_counted *counted, struct kv *below) CHECKED;
void kv_counted_close(struct kv_counted *counted);

#endif
