/* kv_counted.c - a kv that passes all on to another and counts what was opened.
 *
 * SPDX-License-Identifier: ISC */
#include "kv_counted.h"

#include "base/units.h"

static struct kv_counted *counted_of(struct kv *kv)
{
    return CONTAINER_OF(kv, struct kv_counted, kv);
}

static enum result kv_counted_open_value(struct kv *kv, struct view key, struct kv_value *value)
{
    struct kv_counted *counted = counted_of(kv);
    enum result result = kv_open(counted->below, key, value);
    if (result == OK) counted->opened_count++;
    return result;
}

static enum result kv_counted_read(struct kv *kv, const struct kv_value *value,
                                   uint64_t offset_bytes, struct span room, size_t *length_bytes)
{
    return kv_read(counted_of(kv)->below, value, offset_bytes, room, length_bytes);
}

static void kv_counted_release(struct kv *kv, struct kv_value *value)
{
    kv_release(counted_of(kv)->below, value);
}

static enum result kv_counted_list(struct kv *kv, struct view prefix, struct kv_visitor *visitor)
{
    return kv_list(counted_of(kv)->below, prefix, visitor);
}

static enum result kv_counted_apply(struct kv *kv, const struct kv_change changes[], size_t count)
{
    return kv_apply(counted_of(kv)->below, changes, count);
}

static const struct kv_ops kv_counted_ops = KV_OPS(kv_counted);

enum result kv_counted_open(struct kv_counted *counted, struct kv *below)
{
    *counted = (struct kv_counted){
        .kv = { .ops = &kv_counted_ops, .read_only = below->read_only },
        .below = below,
    };
    return OK;
}

void kv_counted_close(struct kv_counted *counted)
{
    (void)counted;
}
