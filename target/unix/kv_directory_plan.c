/* kv_directory_plan.c - follows the changes without making them, and looks ahead for what would
 * stand in their way.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/units.h"

#define SEGMENT_MAX 255

static struct kv_plan_entry *find(struct kv_directory_plan *plan, struct view key)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (view_equal(plan->entries[i].key, key)) return &plan->entries[i];
    }
    return NULL;
}

static void put(struct kv_directory_plan *plan, struct kv_plan_entry fresh)
{
    struct kv_plan_entry *entry = find(plan, fresh.key);
    if (entry != NULL) {
        *entry = fresh;
    } else {
        assert_that(plan->count, <, KV_PLAN_MAX);
        plan->entries[plan->count++] = fresh;
    }
}

static bool host_has(struct kv_host *host, struct view key)
{
    struct stat status;
    return kv_host_status(host, key, &status) && S_ISREG(status.st_mode);
}

/* ---- following the changes ---- */

/* What the key is after the changes so far. */
static struct kv_plan_entry state_of(struct kv_directory_plan *plan, struct kv_host *host,
                                     struct view key)
{
    const struct kv_plan_entry *entry = find(plan, key);
    if (entry != NULL) return *entry;
    return (struct kv_plan_entry){
        .key = key,
        .source = host_has(host, key) ? KV_PLAN_FILE : KV_PLAN_GONE,
        .bytes = key,
    };
}

static enum result follow_rename(struct kv_directory_plan *plan, struct kv_host *host,
                                 const struct kv_change *change)
{
    struct kv_plan_entry state = state_of(plan, host, change->key);
    if (state.source == KV_PLAN_GONE) return NOT_FOUND;
    if (view_equal(change->key, change->new_key)) return OK;
    put(plan, (struct kv_plan_entry){ .key = change->key, .source = KV_PLAN_GONE });
    state.key = change->new_key;
    put(plan, state);
    return OK;
}

static enum result follow(struct kv_directory_plan *plan, struct kv_host *host,
                          const struct kv_change *change)
{
    switch (change->kind) {
    case KV_SET:
        put(plan, (struct kv_plan_entry){ change->key, KV_PLAN_VALUE, change->value });
        return OK;
    case KV_REMOVE:
        if (state_of(plan, host, change->key).source == KV_PLAN_GONE) return NOT_FOUND;
        put(plan, (struct kv_plan_entry){ .key = change->key, .source = KV_PLAN_GONE });
        return OK;
    case KV_RENAME: return follow_rename(plan, host, change);
    }
    panic("%u is no kind of change", (unsigned)change->kind);
}

/* Leaves out what changes nothing. */
static void tidy(struct kv_directory_plan *plan, struct kv_host *host)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct kv_plan_entry *entry = &plan->entries[i];
        if (entry->source == KV_PLAN_FILE && view_equal(entry->key, entry->bytes)) continue;
        if (entry->source == KV_PLAN_GONE && !host_has(host, entry->key)) continue;
        plan->entries[kept++] = *entry;
    }
    plan->count = kept;
}

/* ---- what stands in the way ---- */

/* Whether the key's folders can be folders. */
static enum result check_above(struct kv_directory_plan *plan, struct kv_host *host,
                               struct view key)
{
    for (size_t i = 0; i < key.length_bytes; i++) {
        if (view_byte(key, i) != '/') continue;
        struct view above = view_first(key, i);
        const struct kv_plan_entry *entry = find(plan, above);
        if (entry != NULL && entry->source != KV_PLAN_GONE) return EXISTS;
        struct stat status;
        if (entry != NULL || !kv_host_status(host, above, &status)) continue;
        if (!S_ISDIR(status.st_mode)) return EXISTS;
    }
    return OK;
}

struct checker {
    struct kv_visitor visitor;
    struct kv_directory_plan *plan;
    bool is_clear;
};

static bool check_one(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct checker *checker = CONTAINER_OF(visitor, struct checker, visitor);
    const struct kv_plan_entry *entry = find(checker->plan, key);
    (void)size_bytes;
    checker->is_clear = entry != NULL && entry->source == KV_PLAN_GONE;
    return checker->is_clear;
}

/* Whether all that is below the key, if it is a folder, goes. */
static enum result check_below(struct kv_directory_plan *plan,
                               struct kv_directory_listings *listings, struct kv_host *host,
                               struct view key)
{
    struct stat status;
    if (!kv_host_status(host, key, &status) || !S_ISDIR(status.st_mode)) return OK;
    struct checker checker = { { check_one }, plan, true };
    enum result result = kv_directory_list_walk(listings, host, key, true, &checker.visitor);
    if (result != OK) return result;
    return checker.is_clear ? OK : EXISTS;
}

/* Whether files can be put into, and taken out of, the folder that is or will be above the key. */
static enum result check_permission(struct kv_host *host, struct view key)
{
    int fd = -1;
    struct view above = key;
    while (fd < 0 && !view_is_empty(above)) {
        size_t length_bytes = above.length_bytes - 1;
        while (length_bytes > 0 && view_byte(above, length_bytes) != '/')
            length_bytes--;
        above = view_first(above, length_bytes);
        fd = kv_host_open_file(host, above, O_RDONLY | O_DIRECTORY);
        if (fd < 0 && errno != ENOENT && errno != ENOTDIR) break;
    }
    if (fd < 0) return kv_host_result(host, above, "opened", errno) == FULL ? FULL : DENIED;
    struct stat status = { 0 };
    int error = faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
    if (error == 0 && fstat(fd, &status) == 0 && status.st_dev != host->device) error = EXDEV;
    close(fd);
    return error == 0 ? OK : kv_host_result(host, above, "written to", error);
}

static enum result check_name(struct view key)
{
    if (kv_host_is_hidden(key)) return INVALID;
    while (!view_is_empty(key)) {
        if (view_cut(key, '/', &key).length_bytes > SEGMENT_MAX) return INVALID;
    }
    return OK;
}

static enum result check(struct kv_directory_plan *plan, struct kv_directory_listings *listings,
                         struct kv_host *host, const struct kv_plan_entry *entry)
{
    enum result result = OK;
    if (entry->source != KV_PLAN_GONE) {
        result = check_above(plan, host, entry->key);
        if (result == OK) result = check_below(plan, listings, host, entry->key);
    }
    return result == OK ? check_permission(host, entry->key) : result;
}

enum result kv_directory_plan_make(struct kv_directory_plan *plan,
                                   struct kv_directory_listings *listings, struct kv_host *host,
                                   const struct kv_change changes[], size_t count)
{
    plan->count = 0;
    for (size_t i = 0; i < count; i++) {
        enum result result = check_name(changes[i].key);
        if (result == OK && changes[i].kind == KV_RENAME) result = check_name(changes[i].new_key);
        if (result == OK) result = follow(plan, host, &changes[i]);
        if (result != OK) return result;
    }
    tidy(plan, host);
    for (size_t i = 0; i < plan->count; i++) {
        enum result result = check(plan, listings, host, &plan->entries[i]);
        if (result != OK) return result;
    }
    return OK;
}
