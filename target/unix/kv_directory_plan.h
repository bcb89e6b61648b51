/* kv_directory_plan.h - a batch as what each key is in the end, whatever happened to it in between.
 *
 * "set a, rename a to b, remove c" becomes "b is the new value, a and c are gone". In this form
 * every key stands once, so that the changes can be made in any order, and made again after they
 * were made in part: which is what a journal needs.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIRECTORY_PLAN_H
#define LOOM_KV_DIRECTORY_PLAN_H

#include "target/unix/kv_directory_host.h"
#include "target/unix/kv_directory_list.h"

/* A change touches at most two keys. */
#define KV_PLAN_MAX ((size_t)2 * KV_BATCH_MAX)

enum kv_plan_source {
    KV_PLAN_GONE,
    KV_PLAN_VALUE, /* `bytes` */
    KV_PLAN_FILE,  /* what the key `bytes` is now */
};

struct kv_plan_entry {
    struct view key;
    enum kv_plan_source source;
    struct view bytes;
};

struct kv_directory_plan {
    size_t count;
    struct kv_plan_entry entries[KV_PLAN_MAX];
};

/* The results of kv_apply; nothing is changed. The plan has views into the changes. */
enum result kv_directory_plan_make(struct kv_directory_plan *plan,
                                   struct kv_directory_listings *listings, struct kv_host *host,
                                   const struct kv_change changes[], size_t count) CHECKED;

#endif
