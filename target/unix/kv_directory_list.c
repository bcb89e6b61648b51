/* kv_directory_list.c - the walk: down into folders and up again, without recursion.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/units.h"
#include "target/memory.h"

#define LOG_MODULE "kv"
#include "log/log.h"

#define NAME_BYTES    256 /* 255 and a slash */
#define ENTRIES_BYTES 4096

struct name {
    uint16_t length_bytes;
    uint8_t bytes[NAME_BYTES];
};

struct batch {
    size_t count, next;
    bool is_last;                      /* there are no names behind these */
    uint8_t order[KV_DIRECTORY_NAMES]; /* indices of names, sorted */
    struct name names[KV_DIRECTORY_NAMES];
};

struct kv_directory_listing {
    bool is_taken;
    bool all;
    size_t depth;
    size_t path_bytes;
    uint8_t path[KV_KEY_MAX];
    struct name last; /* of the level, visited last */
    struct batch batches[KV_DIRECTORY_LEVELS];
    _Alignas(struct dirent64) uint8_t entries[ENTRIES_BYTES];
};

static_assert(KV_DIRECTORY_NAMES <= UINT8_MAX, "indices are bytes");

enum result kv_directory_listings_open(struct kv_directory_listings *listings)
{
    enum result result = memory_take(KV_DIRECTORY_LISTINGS * sizeof(struct kv_directory_listing),
                                     &listings->memory);
    listings->listings = (struct kv_directory_listing *)(void *)listings->memory.bytes;
    return result;
}

void kv_directory_listings_close(struct kv_directory_listings *listings)
{
    memory_give_back(listings->memory);
    *listings = (struct kv_directory_listings){ 0 };
}

static struct view name_view(const struct name *name)
{
    return view_from(name->bytes, name->length_bytes);
}

static struct view path_view(const struct kv_directory_listing *listing)
{
    return view_from(listing->path, listing->path_bytes);
}

/* Puts a segment at the end of the path, if that is still a key. */
static bool path_push(struct kv_directory_listing *listing, struct view segment)
{
    struct span rest = span_from_offset(SPAN_OF(listing->path), listing->path_bytes);
    size_t slash_bytes = listing->path_bytes > 0;
    if (segment.length_bytes + slash_bytes > rest.length_bytes) return false;
    if (slash_bytes > 0) rest = span_copy(rest, VIEW("/"));
    rest = span_copy(rest, segment);
    listing->path_bytes = sizeof listing->path - rest.length_bytes;
    return true;
}

/* Takes the last segment off; gives it, where it still stands in the path's memory. */
static struct view path_pop(struct kv_directory_listing *listing)
{
    size_t start = listing->path_bytes;
    while (start > 0 && listing->path[start - 1] != '/')
        start--;
    struct view segment = view_from_offset(path_view(listing), start);
    listing->path_bytes = start > 0 ? start - 1 : 0;
    return segment;
}

/* Deep levels share the last batch. */
static struct batch *batch_of(struct kv_directory_listing *listing)
{
    return &listing->batches[MIN(listing->depth, KV_DIRECTORY_LEVELS - 1)];
}

/* ---- filling a batch ---- */

static struct view sorted_name(const struct batch *batch, size_t index)
{
    return name_view(&batch->names[batch->order[index]]);
}

/* Where a name belongs among those that are there. */
static size_t place_of(const struct batch *batch, struct view name)
{
    size_t low = 0, high = batch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (view_compare(sorted_name(batch, middle), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A full batch keeps the smallest names: the greatest gives way. */
static void batch_add(struct batch *batch, struct view name)
{
    size_t place = place_of(batch, name);
    uint8_t slot = (uint8_t)batch->count;
    if (batch->count == KV_DIRECTORY_NAMES) {
        batch->is_last = false;
        if (place == batch->count) return;
        slot = batch->order[--batch->count];
    }
    for (size_t i = batch->count; i > place; i--)
        batch->order[i] = batch->order[i - 1];
    batch->order[place] = slot;
    batch->count++;
    batch->names[slot].length_bytes = (uint16_t)name.length_bytes;
    (void)span_copy(SPAN_OF(batch->names[slot].bytes), name);
}

enum kind { KIND_NONE, KIND_FILE, KIND_FOLDER };

/* The kernel tells it with the name, except of links and on some file systems. */
static enum kind kind_of(struct kv_directory_listing *listing, struct kv_host *host,
                         const struct dirent64 *entry, struct view name)
{
    struct stat status;
    if (entry->d_type == DT_REG) return KIND_FILE;
    if (entry->d_type == DT_DIR) return KIND_FOLDER;
    if (listing->all && entry->d_type != DT_UNKNOWN) return KIND_FILE;
    if (!path_push(listing, name)) return KIND_NONE;
    bool known = kv_host_status(host, path_view(listing), &status);
    (void)path_pop(listing);
    if (!known) return KIND_NONE;
    if (S_ISREG(status.st_mode)) return KIND_FILE;
    return S_ISDIR(status.st_mode) && entry->d_type != DT_LNK ? KIND_FOLDER : KIND_NONE;
}

static void batch_offer(struct kv_directory_listing *listing, struct kv_host *host,
                        const struct dirent64 *entry, struct view after)
{
    uint8_t room[NAME_BYTES];
    struct view name = view_from_string(entry->d_name);
    if (view_equal(name, VIEW(".")) || view_equal(name, VIEW(".."))) return;
    if (name.length_bytes >= NAME_BYTES || (!listing->all && view_byte(name, 0) == '.')) return;
    enum kind kind = kind_of(listing, host, entry, name);
    if (kind == KIND_NONE) return;
    struct span rest = span_copy(SPAN_OF(room), name);
    if (kind == KIND_FOLDER) rest = span_copy(rest, VIEW("/"));
    name = view_from(room, sizeof room - rest.length_bytes);
    if (view_compare(name, after) > 0) batch_add(batch_of(listing), name);
}

/* The next names of the folder at the path, behind `after`. A folder that has gone has none. */
static bool batch_fill(struct kv_directory_listing *listing, struct kv_host *host,
                       struct view after)
{
    struct batch *batch = batch_of(listing);
    batch->count = batch->next = 0;
    batch->is_last = true;
    int fd = kv_host_open_file(host, path_view(listing), O_RDONLY | O_DIRECTORY);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR;
    ssize_t got;
    while ((got = getdents64(fd, listing->entries, sizeof listing->entries)) > 0) {
        struct view entries = view_from(listing->entries, (size_t)got);
        while (!view_is_empty(entries)) {
            const struct dirent64 *entry = (const void *)entries.bytes;
            batch_offer(listing, host, entry, after);
            entries = view_from_offset(entries, entry->d_reclen);
        }
    }
    close(fd);
    return got == 0;
}

/* ---- walking ---- */

/* Copies a name to where it stays when the batch is filled anew. */
static struct view keep(struct kv_directory_listing *listing, struct view name, bool folder)
{
    struct span rest = span_copy(SPAN_OF(listing->last.bytes), name);
    if (folder) rest = span_copy(rest, VIEW("/"));
    listing->last.length_bytes = (uint16_t)(sizeof listing->last.bytes - rest.length_bytes);
    return name_view(&listing->last);
}

/* The next name of this level; empty: there is none. */
static bool next_name(struct kv_directory_listing *listing, struct kv_host *host, struct view *name)
{
    struct batch *batch = batch_of(listing);
    *name = VIEW("");
    if (batch->next == batch->count) {
        if (batch->is_last) return true;
        struct view after = keep(listing, sorted_name(batch, batch->count - 1), false);
        if (!batch_fill(listing, host, after)) return false;
        if (batch->count == 0) return true;
    }
    *name = sorted_name(batch, batch->next++);
    return true;
}

static bool descend(struct kv_directory_listing *listing, struct kv_host *host, struct view name)
{
    if (!path_push(listing, view_first(name, name.length_bytes - 1))) {
        log_warning("%.*s/%.*s: left out: names below it are too long for keys",
                    VIEW_FORMAT(host->name), VIEW_FORMAT(path_view(listing)));
        return true;
    }
    listing->depth++;
    return batch_fill(listing, host, VIEW(""));
}

static bool ascend(struct kv_directory_listing *listing, struct kv_host *host)
{
    struct view name = path_pop(listing);
    listing->depth--;
    if (listing->depth < KV_DIRECTORY_LEVELS - 1) return true;
    return batch_fill(listing, host, keep(listing, name, true));
}

/* A file that has gone meanwhile is passed over. */
static bool visit(struct kv_directory_listing *listing, struct kv_host *host, struct view name,
                  struct kv_visitor *visitor)
{
    struct stat status = { 0 };
    bool go_on = true;
    if (!path_push(listing, name)) return true;
    bool known = kv_host_status(host, path_view(listing), &status) && S_ISREG(status.st_mode);
    if (known || listing->all) {
        go_on = visitor->visit(visitor, path_view(listing), (uint64_t)status.st_size);
    }
    (void)path_pop(listing);
    return go_on;
}

/* Everything below the folder at the path. */
static bool walk(struct kv_directory_listing *listing, struct kv_host *host,
                 struct kv_visitor *visitor)
{
    struct view name;
    listing->depth = 0;
    if (!batch_fill(listing, host, VIEW(""))) return false;
    while (next_name(listing, host, &name)) {
        if (view_is_empty(name)) {
            if (listing->depth == 0) return true;
            if (!ascend(listing, host)) return false;
        } else if (view_ends_with(name, VIEW("/"))) {
            if (!descend(listing, host, name)) return false;
        } else if (!visit(listing, host, name, visitor)) {
            return true;
        }
    }
    return false;
}

static enum result walk_prefix(struct kv_directory_listing *listing, struct kv_host *host,
                               struct view prefix, struct kv_visitor *visitor)
{
    struct stat status;
    listing->path_bytes = 0;
    if (!listing->all && kv_host_is_hidden(prefix)) return OK;
    if (!view_is_empty(prefix) && !kv_host_status(host, prefix, &status)) return OK;
    if (!view_is_empty(prefix) && S_ISREG(status.st_mode)) {
        (void)visit(listing, host, prefix, visitor);
        return OK;
    }
    if (!view_is_empty(prefix)) (void)path_push(listing, prefix);
    if (walk(listing, host, visitor)) return OK;
    return kv_host_result(host, path_view(listing), "listed", errno) == NOT_FOUND ? OK : FAILED;
}

static struct kv_directory_listing *take(struct kv_directory_listings *listings)
{
    for (size_t i = 0; i < KV_DIRECTORY_LISTINGS; i++) {
        struct kv_directory_listing *listing = &listings->listings[i];
        if (listing->is_taken) continue;
        listing->is_taken = true;
        return listing;
    }
    return NULL;
}

enum result kv_directory_list_walk(struct kv_directory_listings *listings, struct kv_host *host,
                                   struct view prefix, bool all, struct kv_visitor *visitor)
{
    struct kv_directory_listing *listing = take(listings);
    if (listing == NULL) return FULL;
    listing->all = all;
    enum result result = walk_prefix(listing, host, prefix, visitor);
    listing->is_taken = false;
    return result;
}
