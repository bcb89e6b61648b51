/* kv_directory_apply.c - the four steps.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory_apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "target/unix/kv_directory_journal.h"
#include "target/unix/kv_directory_plan.h"

#define LOG_MODULE "kv"
#include "log/log.h"

struct stage_name {
    char text[32];
};

static struct stage_name stage_name(size_t index)
{
    struct stage_name name;
    snprintf(name.text, sizeof name.text, "new-%zu", index);
    return name;
}

/* ---- 1: the stage ---- */

static bool copy_file(struct kv_directory *directory, int from, int to)
{
    struct stat status;
    struct span room = directory->journal;
    ssize_t got;
    while ((got = read(from, room.bytes, room.length_bytes)) > 0) {
        if (!kv_host_write(&directory->host, to, view_from(room.bytes, (size_t)got))) return false;
    }
    if (got < 0 || fstat(from, &status) != 0) return false;
    const struct timespec times[2] = { status.st_atim, status.st_mtim };
    return fchmod(to, status.st_mode & 0777) == 0 && futimens(to, times) == 0;
}

/* Where the file system has no hard links, the file is copied. */
static bool stage_copy(struct kv_directory *directory, int from, const char *name)
{
    int to = kv_host_create(&directory->host, name);
    if (to < 0) return false;
    bool staged = copy_file(directory, from, to) && kv_host_sync(&directory->host, to);
    int error = errno;
    close(to);
    errno = error;
    return staged;
}

static bool stage_file(struct kv_directory *directory, struct view key, const char *name)
{
    int fd = kv_host_open_file(&directory->host, key, O_RDONLY | O_NONBLOCK);
    if (fd < 0) return false;
    bool staged = kv_host_link(&directory->host, fd, name) || stage_copy(directory, fd, name);
    int error = errno;
    close(fd);
    errno = error;
    return staged;
}

/* A value that replaces another is as readable as that one was. */
static bool stage_value(struct kv_directory *directory, const struct kv_plan_entry *entry,
                        const char *name)
{
    struct kv_host *host = &directory->host;
    struct stat status;
    bool replaces = kv_host_status(host, entry->key, &status) && S_ISREG(status.st_mode);
    int fd = kv_host_create(host, name);
    if (fd < 0) return false;
    bool staged = (!replaces || fchmod(fd, status.st_mode & 0777) == 0) &&
                  kv_host_write(host, fd, entry->bytes) && kv_host_sync(host, fd);
    int error = errno;
    close(fd);
    errno = error;
    return staged;
}

static bool stage_entry(struct kv_directory *directory, size_t index)
{
    const struct kv_plan_entry *entry = &directory->plan->entries[index];
    struct stage_name name = stage_name(index);
    if (entry->source == KV_PLAN_VALUE) return stage_value(directory, entry, name.text);
    if (entry->source == KV_PLAN_FILE) return stage_file(directory, entry->bytes, name.text);
    return true;
}

static void clean_stage(struct kv_host *host, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)unlinkat(host->stage, stage_name(i).text, 0);
}

static enum result stage(struct kv_directory *directory)
{
    struct kv_host *host = &directory->host;
    if (!kv_host_open_stage(host, true)) return kv_host_result(host, VIEW(""), "written to", errno);
    for (size_t i = 0; i < directory->plan->count; i++) {
        if (stage_entry(directory, i)) continue;
        enum result result = kv_host_result(host, directory->plan->entries[i].key, "written",
                                            errno);
        clean_stage(host, i + 1);
        return result == NOT_FOUND ? FAILED : result;
    }
    return OK;
}

/* ---- 3: into their places; done already is done ---- */

static bool move_in(struct kv_host *host, struct view key, const char *name,
                    const struct kv_host_place *place)
{
    if (kv_host_rename(host, host->stage, name, place->folder, place->name)) return true;
    if (errno != EISDIR) return errno == ENOENT;
    return kv_host_clear(host, key) &&
           kv_host_rename(host, host->stage, name, place->folder, place->name);
}

static bool install(struct kv_host *host, struct view key, const char *name)
{
    struct kv_host_place place;
    if (!kv_host_place(host, key, true, &place)) return false;
    bool installed = move_in(host, key, name, &place) && kv_host_sync(host, place.folder);
    int error = errno;
    close(place.folder);
    errno = error;
    return installed;
}

/* A folder under the name, or a file where a folder was, came with a later step of the plan. */
static bool is_gone(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EISDIR;
}

static bool take_out(struct kv_host *host, struct view key)
{
    struct kv_host_place place;
    if (!kv_host_place(host, key, false, &place)) return is_gone(errno);
    bool gone = kv_host_unlink(host, place.folder, place.name) || is_gone(errno);
    gone = gone && kv_host_sync(host, place.folder);
    int error = errno;
    close(place.folder);
    errno = error;
    if (gone) kv_host_prune(host, key);
    return gone;
}

/* What goes makes room for what comes. */
static enum result carry_out(struct kv_directory *directory)
{
    struct kv_host *host = &directory->host;
    const struct kv_directory_plan *plan = directory->plan;
    for (size_t i = 0; i < plan->count; i++) {
        const struct kv_plan_entry *entry = &plan->entries[i];
        if (entry->source != KV_PLAN_GONE || take_out(host, entry->key)) continue;
        return kv_host_result(host, entry->key, "removed", errno);
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct kv_plan_entry *entry = &plan->entries[i];
        if (entry->source == KV_PLAN_GONE) continue;
        if (install(host, entry->key, stage_name(i).text)) continue;
        return kv_host_result(host, entry->key, "put in its place", errno);
    }
    return OK;
}

/* ---- all of it ---- */

/* From the journal on there is no way back, only forward. */
static enum result finish(struct kv_directory *directory)
{
    struct kv_host *host = &directory->host;
    if (carry_out(directory) != OK || !kv_directory_journal_remove(host)) {
        log_error("%.*s: a batch is unfinished; mend what was told above, and the next change or "
                  "start finishes it",
                  VIEW_FORMAT(host->name));
        return FAILED;
    }
    clean_stage(host, directory->plan->count);
    return OK;
}

static enum result write_journal(struct kv_directory *directory)
{
    struct kv_host *host = &directory->host;
    if (kv_directory_journal_write(host, directory->plan, directory->journal)) return OK;
    enum result result = kv_host_result(host, VIEW(".loom-kv/journal"), "written", errno);
    clean_stage(host, directory->plan->count);
    return result == NOT_FOUND ? FAILED : result;
}

/* Folders that were made but not made durable are, with everything else, by syncfs. */
static enum result recover(struct kv_directory *directory)
{
    struct kv_host *host = &directory->host;
    if (!kv_host_open_stage(host, false)) {
        return errno == ENOENT ? OK : kv_host_result(host, VIEW(".loom-kv"), "opened", errno);
    }
    enum result result = kv_directory_journal_read(host, directory->plan, directory->journal);
    if (result != OK) return result == NOT_FOUND ? OK : result;
    log_info("%.*s: finishing a batch of %zu changes that was interrupted", VIEW_FORMAT(host->name),
             directory->plan->count);
    if (syncfs(host->folder) != 0) return kv_host_result(host, VIEW(""), "synchronized", errno);
    return finish(directory);
}

/* Removes what a run that was stopped before its journal was there has left. */
static enum result sweep(struct kv_host *host)
{
    if (host->stage < 0) return OK;
    clean_stage(host, KV_PLAN_MAX);
    (void)unlinkat(host->stage, "journal.new", 0);
    return OK;
}

static enum result batch(struct kv_directory *directory, const struct kv_change changes[],
                         size_t count)
{
    enum result result = recover(directory);
    if (result != OK) return result;
    if (count == 0) return sweep(&directory->host);
    result = kv_directory_plan_make(directory->plan, &directory->listings, &directory->host,
                                    changes, count);
    if (result != OK || directory->plan->count == 0) return result;
    result = stage(directory);
    if (result != OK) return result;
    if (directory->plan->count == 1) {
        result = carry_out(directory);
        clean_stage(&directory->host, 1);
        return result == NOT_FOUND ? FAILED : result;
    }
    result = write_journal(directory);
    return result == OK ? finish(directory) : result;
}

static bool lock(struct kv_host *host)
{
    int status;
    do {
        status = flock(host->folder, LOCK_EX);
    } while (status != 0 && errno == EINTR);
    return status == 0;
}

enum result kv_directory_batch(struct kv_directory *directory, const struct kv_change changes[],
                               size_t count)
{
    struct kv_host *host = &directory->host;
    if (!lock(host)) return kv_host_result(host, VIEW(""), "locked", errno);
    enum result result = batch(directory, changes, count);
    (void)flock(host->folder, LOCK_UN);
    return result;
}
