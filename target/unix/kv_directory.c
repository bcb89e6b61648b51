/* kv_directory.c - the signature over files: open ones in a pool, the rest in the files beside.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/units.h"
#include "kv/media_type.h"
#include "target/memory.h"
#include "target/unix/kv_directory_apply.h"
#include "target/unix/kv_directory_plan.h"

#define LOG_MODULE "kv"
#include "log/log.h"

#define OPEN_VALUES_DEFAULT 256
#define DIGESTS_DEFAULT     1024

const struct parameter kv_directory_parameters[] = {
    KV_DIRECTORY_ROWS(""),
    PARAMETER_END,
};

struct kv_directory_open_file {
    int fd;
    struct kv_directory_open_file *next_free;
};

static struct kv_directory *directory_of(struct kv *kv)
{
    return CONTAINER_OF(kv, struct kv_directory, kv);
}

/* ---- values ---- */

static struct kv_directory_open_file *take_file(struct kv_directory *directory)
{
    struct kv_directory_open_file *file = directory->free_files;
    if (file != NULL) {
        directory->free_files = file->next_free;
    } else if (directory->touched_count < directory->file_count) {
        file = &directory->files[directory->touched_count++];
    }
    return file;
}

static void give_back_file(struct kv_directory *directory, struct kv_directory_open_file *file)
{
    if (file->fd >= 0) close(file->fd);
    file->next_free = directory->free_files;
    directory->free_files = file;
}

static enum result describe(struct kv_directory *directory, int fd, struct kv_value *value)
{
    struct stat status;
    if (fstat(fd, &status) != 0) return FAILED;
    if (!S_ISREG(status.st_mode)) return NOT_FOUND;
    if (!kv_directory_digest_find(&directory->digests, fd, &status, &value->digest)) return FAILED;
    value->size_bytes = (uint64_t)status.st_size;
    value->modified_ns = (uint64_t)status.st_mtim.tv_sec * S_NS + (uint64_t)status.st_mtim.tv_nsec;
    return OK;
}

/* Not to wait for whoever writes to a pipe, and not to make a terminal ours. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

static enum result open_file(struct kv_directory *directory, struct view key,
                             struct kv_directory_open_file *file, struct kv_value *value)
{
    file->fd = kv_host_open_file(&directory->host, key, OPEN_FLAGS);
    if (file->fd < 0) {
        int error = errno;
        if (error == ENAMETOOLONG || error == ENXIO) return NOT_FOUND;
        enum result result = kv_host_result(&directory->host, key, "opened", error);
        return error == EXDEV ? NOT_FOUND : result == DENIED ? FAILED : result;
    }
    enum result result = describe(directory, file->fd, value);
    if (result == FAILED) (void)kv_host_result(&directory->host, key, "read", errno);
    return result;
}

static enum result kv_directory_open_value(struct kv *kv, struct view key, struct kv_value *value)
{
    struct kv_directory *directory = directory_of(kv);
    if (kv_host_is_hidden(key)) return NOT_FOUND;
    struct kv_directory_open_file *file = take_file(directory);
    if (file == NULL) return FULL;
    enum result result = open_file(directory, key, file, value);
    if (result != OK) {
        give_back_file(directory, file);
        return result;
    }
    value->media_type = media_type_of(key);
    value->handle = (uint64_t)(file - directory->files);
    directory->open_count++;
    return OK;
}

static enum result kv_directory_read(struct kv *kv, const struct kv_value *value,
                                     uint64_t offset_bytes, struct span room, size_t *length_bytes)
{
    const struct kv_directory_open_file *file = &directory_of(kv)->files[value->handle];
    size_t wanted_bytes = (size_t)MIN(room.length_bytes, value->size_bytes - offset_bytes);
    while (*length_bytes < wanted_bytes) {
        struct span rest = span_from_offset(span_first(room, wanted_bytes), *length_bytes);
        ssize_t got = pread(file->fd, rest.bytes, rest.length_bytes,
                            (off_t)(offset_bytes + *length_bytes));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            log_warning("%.*s: a file is shorter than it was when it was opened, or broken",
                        VIEW_FORMAT(directory_of(kv)->host.name));
            *length_bytes = 0;
            return FAILED;
        }
        *length_bytes += (size_t)got;
    }
    return OK;
}

static void kv_directory_release(struct kv *kv, struct kv_value *value)
{
    struct kv_directory *directory = directory_of(kv);
    assert_that(directory->open_count, >, 0);
    directory->open_count--;
    give_back_file(directory, &directory->files[value->handle]);
    *value = (struct kv_value){ 0 };
}

static enum result kv_directory_list(struct kv *kv, struct view prefix, struct kv_visitor *visitor)
{
    struct kv_directory *directory = directory_of(kv);
    return kv_directory_list_walk(&directory->listings, &directory->host, prefix, false, visitor);
}

static enum result kv_directory_apply(struct kv *kv, const struct kv_change changes[], size_t count)
{
    return kv_directory_batch(directory_of(kv), changes, count);
}

static const struct kv_ops kv_directory_ops = KV_OPS(kv_directory);

/* ---- opening ---- */

static enum result take_memory(struct kv_directory *directory,
                               const struct kv_directory_parameters *parameters)
{
    uint64_t digests = parameters->digests > 0 ? parameters->digests : DIGESTS_DEFAULT;
    directory->file_count = parameters->open_values > 0 ? (size_t)parameters->open_values
                                                        : OPEN_VALUES_DEFAULT;
    enum result result = memory_take(directory->file_count * sizeof *directory->files,
                                     &directory->memory);
    if (result == OK) result = memory_take(sizeof *directory->plan, &directory->plan_memory);
    if (result == OK) result = memory_take(KV_JOURNAL_BYTES, &directory->journal);
    if (result == OK) result = kv_directory_listings_open(&directory->listings);
    if (result == OK) result = kv_directory_digests_open(&directory->digests, (size_t)digests);
    directory->files = (struct kv_directory_open_file *)(void *)directory->memory.bytes;
    directory->plan = (struct kv_directory_plan *)(void *)directory->plan_memory.bytes;
    return result;
}

/* Nothing is recovered behind the back of one who only reads. */
static enum result begin(struct kv_directory *directory)
{
    if (!directory->kv.read_only) return kv_directory_batch(directory, NULL, 0);
    if (faccessat(directory->host.folder, ".loom-kv/journal", F_OK, 0) == 0) {
        log_warning("%.*s: a batch of changes is unfinished, and this image only reads",
                    VIEW_FORMAT(directory->host.name));
    }
    return OK;
}

enum result kv_directory_open(struct kv_directory *directory,
                              const struct kv_directory_parameters *parameters)
{
    span_fill(SPAN_OF(*directory), 0);
    directory->kv = (struct kv){ .ops = &kv_directory_ops, .read_only = parameters->read_only };
    directory->host.folder = directory->host.stage = -1;
    enum result result = take_memory(directory, parameters);
    if (result == OK) result = kv_host_open(&directory->host, parameters->directory);
    if (result == OK) result = begin(directory);
    if (result != OK) kv_directory_close(directory);
    return result;
}

void kv_directory_close(struct kv_directory *directory)
{
    assert_that(directory->open_count, ==, 0);
    kv_host_close(&directory->host);
    kv_directory_digests_close(&directory->digests);
    kv_directory_listings_close(&directory->listings);
    memory_give_back(directory->journal);
    memory_give_back(directory->plan_memory);
    memory_give_back(directory->memory);
    span_fill(SPAN_OF(*directory), 0);
}
