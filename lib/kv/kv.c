/* kv.c - what every store has in common: what a key is, what a batch may be, and the calls that are
 * built on the signature.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv.h"

static bool segment_is_valid(struct view segment)
{
    return !view_is_empty(segment) && !view_equal(segment, VIEW(".")) &&
           !view_equal(segment, VIEW(".."));
}

bool kv_key_is_valid(struct view key)
{
    if (view_is_empty(key) || key.length_bytes > KV_KEY_MAX) return false;
    if (view_find_byte(key, '\0') < key.length_bytes || view_ends_with(key, VIEW("/"))) {
        return false;
    }
    while (!view_is_empty(key)) {
        if (!segment_is_valid(view_cut(key, '/', &key))) return false;
    }
    return true;
}

static bool change_is_valid(const struct kv_change *change)
{
    return kv_key_is_valid(change->key) &&
           (change->kind != KV_RENAME || kv_key_is_valid(change->new_key));
}

enum result kv_apply(struct kv *kv, const struct kv_change changes[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!change_is_valid(&changes[i])) return INVALID;
    }
    if (kv->read_only) return DENIED;
    if (count > KV_BATCH_MAX) return TOO_LARGE;
    return count == 0 ? OK : kv->ops->apply(kv, changes, count);
}

enum result kv_size(struct kv *kv, struct view key, uint64_t *size_bytes)
{
    struct kv_value value;
    enum result result = kv_open(kv, key, &value);
    if (result != OK) return result;
    *size_bytes = value.size_bytes;
    kv_release(kv, &value);
    return OK;
}

enum result kv_exists(struct kv *kv, struct view key)
{
    uint64_t size_bytes;
    return kv_size(kv, key, &size_bytes);
}

static enum result read_whole(struct kv *kv, const struct kv_value *value, struct span room,
                              size_t *length_bytes)
{
    if (value->size_bytes > room.length_bytes) {
        *length_bytes = (size_t)value->size_bytes;
        return TOO_LARGE;
    }
    size_t done_bytes = 0;
    while (done_bytes < value->size_bytes) {
        size_t read_bytes;
        enum result result = kv_read(kv, value, done_bytes, span_from_offset(room, done_bytes),
                                     &read_bytes);
        if (result != OK) return result;
        if (read_bytes == 0) return FAILED;
        done_bytes += read_bytes;
    }
    *length_bytes = done_bytes;
    return OK;
}

enum result kv_get(struct kv *kv, struct view key, struct span room, size_t *length_bytes)
{
    struct kv_value value;
    *length_bytes = 0;
    enum result result = kv_open(kv, key, &value);
    if (result != OK) return result;
    result = read_whole(kv, &value, room, length_bytes);
    kv_release(kv, &value);
    return result;
}

enum result kv_get_part(struct kv *kv, struct view key, uint64_t offset_bytes, struct span room,
                        size_t *length_bytes)
{
    struct kv_value value;
    *length_bytes = 0;
    enum result result = kv_open(kv, key, &value);
    if (result != OK) return result;
    result = kv_read(kv, &value, offset_bytes, room, length_bytes);
    kv_release(kv, &value);
    return result;
}

enum result kv_digest_of(struct kv *kv, struct view key, struct kv_digest *digest)
{
    struct kv_value value;
    enum result result = kv_open(kv, key, &value);
    if (result != OK) return result;
    *digest = value.digest;
    kv_release(kv, &value);
    return OK;
}

enum result kv_modified(struct kv *kv, struct view key, uint64_t *modified_ns)
{
    struct kv_value value;
    enum result result = kv_open(kv, key, &value);
    if (result != OK) return result;
    *modified_ns = value.modified_ns;
    kv_release(kv, &value);
    return OK;
}

enum result kv_set(struct kv *kv, struct view key, struct view value)
{
    return kv_apply(kv, &(struct kv_change){ .kind = KV_SET, .key = key, .value = value }, 1);
}

enum result kv_remove(struct kv *kv, struct view key)
{
    return kv_apply(kv, &(struct kv_change){ .kind = KV_REMOVE, .key = key }, 1);
}

enum result kv_rename(struct kv *kv, struct view key, struct view new_key)
{
    return kv_apply(kv, &(struct kv_change){ .kind = KV_RENAME, .key = key, .new_key = new_key },
                    1);
}
