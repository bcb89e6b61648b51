/* store.c - the index file: which variants stand where in the blob.
 *
 *     loom-crunch 1 zlib 1.2.13 brotli 1000009 SHA-256-OF-THE-BLOB
 *     SHA-256-OF-A-PAGE GZIP-OFFSET GZIP-LENGTH BROTLI-OFFSET BROTLI-LENGTH
 *     ...
 *
 * SPDX-License-Identifier: ISC */
#include "crunch/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crunch/code.h"
#include "crunch/folder.h"
#include "kv/digest.h"

#define DIGEST_DIGITS ((size_t)2 * KV_DIGEST_BYTES)

static char *header_of(const struct kv_digest *blob_digest)
{
    char digits[DIGEST_DIGITS + 1];
    crunch_digest_text(blob_digest, digits);
    return crunch_text("loom-crunch 1 %s %s", crunch_code_versions(), digits);
}

static bool read_digest(struct view digits, struct kv_digest *digest)
{
    if (digits.length_bytes != DIGEST_DIGITS) return false;
    for (size_t i = 0; i < KV_DIGEST_BYTES; i++) {
        uint64_t byte;
        if (!view_hex_to_u64(view_slice(digits, 2 * i, 2), &byte)) return false;
        digest->bytes[i] = (uint8_t)byte;
    }
    return true;
}

/* "OFFSET LENGTH" in the blob. */
static bool read_place(struct view *line, struct view blob, struct view *place)
{
    uint64_t offset_bytes, length_bytes;
    if (!view_to_u64(view_cut(*line, ' ', line), &offset_bytes) ||
        !view_to_u64(view_cut(*line, ' ', line), &length_bytes)) {
        return false;
    }
    if (offset_bytes > blob.length_bytes || length_bytes > blob.length_bytes - offset_bytes) {
        return false;
    }
    if (length_bytes > 0) *place = view_slice(blob, (size_t)offset_bytes, (size_t)length_bytes);
    return true;
}

static bool read_line(struct view line, struct view blob, struct crunch_stored *stored)
{
    *stored = (struct crunch_stored){ 0 };
    return read_digest(view_cut(line, ' ', &line), &stored->digest) &&
           read_place(&line, blob, &stored->coded[KV_GZIP]) &&
           read_place(&line, blob, &stored->coded[KV_BROTLI]) && view_is_empty(line);
}

static int compare_stored(const void *left, const void *right)
{
    const struct crunch_stored *a = left, *b = right;
    return memcmp(a->digest.bytes, b->digest.bytes, KV_DIGEST_BYTES);
}

static void read_index(struct crunch_store *store, struct view index)
{
    struct view blob = span_view(store->blob);
    struct kv_digest digest = digest_of(blob);
    char *header = header_of(&digest);
    bool is_ours = view_equal(view_cut(index, '\n', &index), view_from_string(header));
    free(header);
    while (is_ours && !view_is_empty(index)) {
        struct crunch_stored stored;
        if (!read_line(view_cut(index, '\n', &index), blob, &stored)) {
            store->count = 0;
            return;
        }
        store->pages = crunch_grow(store->pages, (store->count + 1) * sizeof stored);
        store->pages[store->count++] = stored;
    }
    if (store->count > 0) qsort(store->pages, store->count, sizeof *store->pages, compare_stored);
}

void crunch_store_open(struct crunch_store *store, const struct crunch_output *output)
{
    struct span index;
    uint64_t modified_ns;
    *store = (struct crunch_store){ 0 };
    if (!crunch_file_read(output->index, &index, &modified_ns)) return;
    if (crunch_file_read(output->blob, &store->blob, &modified_ns)) {
        read_index(store, span_view(index));
    }
    free(index.bytes);
}

void crunch_store_find(const struct crunch_store *store, struct crunch_folder *folder)
{
    if (store->count == 0) return;
    for (size_t i = 0; i < folder->count; i++) {
        struct crunch_page *page = &folder->pages[i];
        struct crunch_stored wanted = { .digest = page->digest };
        const struct crunch_stored *found = bsearch(&wanted, store->pages, store->count,
                                                    sizeof wanted, compare_stored);
        if (found == NULL) continue;
        page->is_coded = true;
        memcpy(page->coded, found->coded, sizeof page->coded);
    }
}

void crunch_store_write(const struct crunch_output *output, const struct crunch_folder *folder,
                        bool compressed)
{
    if (!compressed) {
        (void)unlink(output->index);
        return;
    }
    struct crunch_file file;
    crunch_file_open(&file, output->index);
    char *header = header_of(&output->blob_digest);
    fprintf(file.stream, "%s\n", header);
    free(header);
    size_t offset_bytes = 0;
    for (size_t i = 0; i < folder->count; i++) {
        const struct crunch_page *page = &folder->pages[i];
        char digits[DIGEST_DIGITS + 1];
        crunch_digest_text(&page->digest, digits);
        size_t gzip = crunch_blob_next(offset_bytes, page->bytes);
        size_t brotli = crunch_blob_next(gzip, page->coded[KV_GZIP]);
        fprintf(file.stream, "%s %zu %zu %zu %zu\n", digits, gzip,
                page->coded[KV_GZIP].length_bytes, brotli, page->coded[KV_BROTLI].length_bytes);
        offset_bytes = crunch_blob_next(brotli, page->coded[KV_BROTLI]);
    }
    crunch_file_close(&file);
}
