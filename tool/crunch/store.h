/* store.h - the compressed variants of the last run, found again by digest.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRUNCH_STORE_H
#define LOOM_CRUNCH_STORE_H

#include "crunch/crunch.h"
#include "crunch/output.h"

struct crunch_stored {
    struct kv_digest digest;
    struct view coded[KV_CODINGS];
};

struct crunch_store {
    struct span blob;
    struct crunch_stored *pages;
    size_t count;
};

/* Reads what the last run left. Where that is nothing, damaged, or made by other versions of the
 * compressors, the store is empty. */
void crunch_store_open(struct crunch_store *store, const struct crunch_output *output);

/* Gives the variants to the pages that have not changed. */
void crunch_store_find(const struct crunch_store *store, struct crunch_folder *folder);

/* Leaves the variants for the next run; removes the index where nothing was compressed. */
void crunch_store_write(const struct crunch_output *output, const struct crunch_folder *folder,
                        bool compressed);

#endif
