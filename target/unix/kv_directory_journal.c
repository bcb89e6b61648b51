/* kv_directory_journal.c - writing, reading and removing the journal. It appears whole, by a
 * rename, or not at all.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/writer.h"
#include "kv/digest.h"

#define LOG_MODULE "kv"
#include "log/log.h"

#define MAGIC    VIEW("LOOMKV1\n")
#define NAME     "journal"
#define NEW_NAME "journal.new"

static struct view encode(const struct kv_directory_plan *plan, struct span room)
{
    struct writer writer = writer_over(room);
    writer_put(&writer, MAGIC);
    writer_put_u32_le(&writer, (uint32_t)plan->count);
    for (size_t i = 0; i < plan->count; i++) {
        const struct kv_plan_entry *entry = &plan->entries[i];
        writer_put_u8(&writer, entry->source == KV_PLAN_GONE);
        writer_put_u16_le(&writer, (uint16_t)entry->key.length_bytes);
        writer_put(&writer, entry->key);
    }
    struct kv_digest digest = digest_of(writer_view(&writer));
    writer_put(&writer, VIEW_OF(digest));
    assert(!writer.ran_short);
    return writer_view(&writer);
}

static bool decode(struct view bytes, struct kv_directory_plan *plan)
{
    if (bytes.length_bytes < KV_DIGEST_BYTES) return false;
    struct view body = view_first(bytes, bytes.length_bytes - KV_DIGEST_BYTES);
    struct kv_digest digest = digest_of(body);
    if (!view_equal(view_from_offset(bytes, body.length_bytes), VIEW_OF(digest))) return false;
    struct cursor cursor = cursor_over(body);
    if (!view_equal(cursor_take(&cursor, MAGIC.length_bytes), MAGIC)) return false;
    plan->count = cursor_u32_le(&cursor);
    if (plan->count > KV_PLAN_MAX) return false;
    for (size_t i = 0; i < plan->count; i++) {
        struct kv_plan_entry *entry = &plan->entries[i];
        *entry = (struct kv_plan_entry){ 0 };
        entry->source = cursor_u8(&cursor) != 0 ? KV_PLAN_GONE : KV_PLAN_VALUE;
        entry->key = cursor_take(&cursor, cursor_u16_le(&cursor));
        if (!kv_key_is_valid(entry->key) || kv_host_is_hidden(entry->key)) return false;
    }
    return !cursor.ran_short && cursor_left(&cursor) == 0;
}

bool kv_directory_journal_write(struct kv_host *host, const struct kv_directory_plan *plan,
                                struct span room)
{
    int fd = kv_host_create(host, NEW_NAME);
    if (fd < 0) return false;
    bool written = kv_host_write(host, fd, encode(plan, room)) && kv_host_sync(host, fd) &&
                   kv_host_sync(host, host->stage) &&
                   kv_host_rename(host, host->stage, NEW_NAME, host->stage, NAME) &&
                   kv_host_sync(host, host->stage);
    int error = errno;
    close(fd);
    if (!written) {
        (void)unlinkat(host->stage, NEW_NAME, 0);
        (void)unlinkat(host->stage, NAME, 0);
    }
    errno = error;
    return written;
}

static ssize_t read_all(int fd, struct span room)
{
    size_t done_bytes = 0;
    ssize_t got;
    do {
        struct span rest = span_from_offset(room, done_bytes);
        got = read(fd, rest.bytes, rest.length_bytes);
        if (got > 0) done_bytes += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got < 0 ? got : (ssize_t)done_bytes;
}

enum result kv_directory_journal_read(struct kv_host *host, struct kv_directory_plan *plan,
                                      struct span room)
{
    int fd = openat(host->stage, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return NOT_FOUND;
    ssize_t length_bytes = fd < 0 ? -1 : read_all(fd, room);
    int error = errno;
    if (fd >= 0) close(fd);
    if (length_bytes >= 0 && decode(view_from(room.bytes, (size_t)length_bytes), plan)) return OK;
    log_error("%.*s/.loom-kv/journal: %s; a batch of changes may be half done: look at the files, "
              "then remove it",
              VIEW_FORMAT(host->name), length_bytes < 0 ? strerror(error) : "damaged");
    return FAILED;
}

bool kv_directory_journal_remove(struct kv_host *host)
{
    if (!kv_host_unlink(host, host->stage, NAME)) return errno == ENOENT;
    return kv_host_sync(host, host->stage);
}
