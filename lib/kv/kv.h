/* kv.h - the signature of a store of values by key; read-only, or read-write.
 *
 * A key is a path of segments: "posts/2026/first.html". It has no leading or trailing slash, no
 * empty segment, no "." or "..", no NUL, and at most KV_KEY_MAX bytes; kv_key_is_valid says so, and
 * every call answers INVALID to another.
 *
 * Two ways to a value:
 *   kv_get     copies it, or a part of it, into a span of the caller's: works on every store;
 *   kv_open    gives a `struct kv_value`: what is known of the value and, where the store has it in
 * memory, a view of all its bytes without a copy. It holds until kv_release: a value that is
 * replaced meanwhile stays as it was for those who have it open.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_H
#define LOOM_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/result.h"
#include "base/view.h"

#define KV_KEY_MAX      1024
#define KV_DIGEST_BYTES 32
#define KV_BATCH_MAX    64

/* How the bytes of a variant are coded (RFC 9110 8.4.1). */
enum kv_coding {
    KV_IDENTITY,
    KV_GZIP,
    KV_BROTLI,
    KV_CODINGS,
};

struct kv {
    const struct kv_ops *ops;
    bool read_only;
};

/* SHA-256 of the value. */
struct kv_digest {
    uint8_t bytes[KV_DIGEST_BYTES];
};

struct kv_value {
    struct view bytes; /* all of it, when the store has it in memory; otherwise empty: read it with
                          kv_read */
    uint64_t size_bytes;
    struct kv_digest digest;
    uint64_t modified_ns;          /* wall clock; 0: not known */
    struct view media_type;        /* "text/html; charset=utf-8"; empty: not known */
    struct view coded[KV_CODINGS]; /* the same value coded, prepared at build; empty: not there.
                                      [KV_IDENTITY] is unused */
    uint64_t handle;               /* the store's own */
};

/* One step of a batch. */
struct kv_change {
    enum kv_change_kind { KV_SET, KV_REMOVE, KV_RENAME } kind;
    struct view key;
    struct view value;   /* KV_SET */
    struct view new_key; /* KV_RENAME; what was there is replaced */
};

/* Is called for each key, in byte order; `false` ends the listing. The key is a view that lives
 * until the call returns. */
struct kv_visitor {
    bool (*visit)(struct kv_visitor *visitor, struct view key, uint64_t size_bytes);
};

struct kv_ops {
    enum result (*open)(struct kv *kv, struct view key, struct kv_value *value);
    enum result (*read)(struct kv *kv, const struct kv_value *value, uint64_t offset_bytes,
                        struct span room, size_t *length_bytes);
    void (*release)(struct kv *kv, struct kv_value *value);
    enum result (*list)(struct kv *kv, struct view prefix, struct kv_visitor *visitor);
    enum result (*apply)(struct kv *kv, const struct kv_change changes[], size_t count);
};

#define KV_OPS(impl) \
    { \
        .open = impl##_open_value, .read = impl##_read, .release = impl##_release, \
        .list = impl##_list, .apply = impl##_apply \
    }

bool kv_key_is_valid(struct view key);

/* May wait for a device. Opens the value of `key`. NOT_FOUND: no such key. FULL: too many values
 * open. FAILED: the device; the log tells. On OK release it with kv_release. */
CHECKED static inline enum result kv_open(struct kv *kv, struct view key, struct kv_value *value)
{
    if (!kv_key_is_valid(key)) return INVALID;
    *value = (struct kv_value){ 0 };
    return kv->ops->open(kv, key, value);
}

/* May wait. Copies from `offset_bytes` on into `room`, as much as both have. OK: *length_bytes > 0,
 * or the offset is at the end (0), or the room is empty. INVALID: the offset is past the end.
 * FAILED: the device, or a value that was cut short behind our back. */
CHECKED static inline enum result kv_read(struct kv *kv, const struct kv_value *value,
                                          uint64_t offset_bytes, struct span room,
                                          size_t *length_bytes)
{
    *length_bytes = 0;
    if (offset_bytes > value->size_bytes) return INVALID;
    enum result result = kv->ops->read(kv, value, offset_bytes, room, length_bytes);
    assert(*length_bytes <= room.length_bytes);
    return result;
}

static inline void kv_release(struct kv *kv, struct kv_value *value)
{
    kv->ops->release(kv, value);
}

/* May wait. Visits every key that begins with the segments of `prefix` ("posts" visits "posts" and
 * "posts/a" but not "posts2"; empty: every key), in byte order. A prefix without keys visits
 * nothing and is OK. INVALID: the prefix is neither empty nor a valid key. FULL: too many listings
 * at once. A visitor may wait and may change the store; whether it sees a key that comes or goes
 * meanwhile is open, and every other key it sees once. */
CHECKED static inline enum result kv_list(struct kv *kv, struct view prefix,
                                          struct kv_visitor *visitor)
{
    if (!view_is_empty(prefix) && !kv_key_is_valid(prefix)) return INVALID;
    return kv->ops->list(kv, prefix, visitor);
}

/* May wait. Applies all of the changes or none, in order; on OK they are durable, as far as the
 * store lasts at all. Each change sees what those before it have done. DENIED: the store is
 * read-only. NOT_FOUND: a key to remove or to rename is not there. A key may be renamed to itself.
 * EXISTS: a key would have to be a value and a prefix of others at once, and the store cannot.
 * FULL: no room. TOO_LARGE: one value or the batch (KV_BATCH_MAX) is over the store's limit.
 * INVALID: a key is malformed, or one that the store cannot have. FAILED: the device, as the log
 * tells; a store that lasts says whether it may still finish the batch later, as a whole. */
enum result kv_apply(struct kv *kv, const struct kv_change changes[], size_t count) CHECKED;

/* ---- built on the signature ---- */

enum result kv_exists(struct kv *kv, struct view key) CHECKED;
enum result kv_size(struct kv *kv, struct view key, uint64_t *size_bytes) CHECKED;

/* The whole value into `room`. TOO_LARGE: it does not fit, and *length_bytes is its size. */
enum result kv_get(struct kv *kv, struct view key, struct span room, size_t *length_bytes) CHECKED;

/* What stands at `offset_bytes`, as kv_read. */
enum result kv_get_part(struct kv *kv, struct view key, uint64_t offset_bytes, struct span room,
                        size_t *length_bytes) CHECKED;
enum result kv_digest_of(struct kv *kv, struct view key, struct kv_digest *digest) CHECKED;
enum result kv_modified(struct kv *kv, struct view key, uint64_t *modified_ns) CHECKED;

enum result kv_set(struct kv *kv, struct view key, struct view value) CHECKED;
enum result kv_remove(struct kv *kv, struct view key) CHECKED;
enum result kv_rename(struct kv *kv, struct view key, struct view new_key) CHECKED;

#endif
