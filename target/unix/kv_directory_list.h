/* kv_directory_list.h - the keys of a folder in byte order, in bounded memory however many there
 * are.
 *
 * A folder is read in batches: the next so many names behind the last one visited, sorted as they
 * come. A name that is a folder's counts with a slash at its end, which is what makes the order
 * that of whole keys: "a-b", "a/b", "ab".
 *
 *      level 0   [ about.html  posts/  style.css ]         one batch a level; a deep folder's
 *      level 1   [ first.html  second.html ]               batch is dropped for those below it
 *                                                           and read again
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIRECTORY_LIST_H
#define LOOM_KV_DIRECTORY_LIST_H

#include "kv/kv.h"
#include "target/unix/kv_directory_host.h"

#define KV_DIRECTORY_LISTINGS 4
#define KV_DIRECTORY_LEVELS   16
#define KV_DIRECTORY_NAMES    64

struct kv_directory_listing;

struct kv_directory_listings {
    struct span memory;
    struct kv_directory_listing *listings;
};

enum result kv_directory_listings_open(struct kv_directory_listings *listings) CHECKED;
void kv_directory_listings_close(struct kv_directory_listings *listings);

/* Visits as kv_list does. With `all` also what is hidden, and what is neither file nor folder: all
 * that keeps a folder from being removed. */
enum result kv_directory_list_walk(struct kv_directory_listings *listings, struct kv_host *host,
                                   struct view prefix, bool all,
                                   struct kv_visitor *visitor) CHECKED;

#endif
