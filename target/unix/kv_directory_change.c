/* kv_directory_change.c - the host's calls that change something, one by one.
 *
 * SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "target/unix/kv_directory_host.h"

#define STAGE_NAME ".loom-kv"

static void observe(struct kv_host *host)
{
    if (host->observer != NULL) host->observer->change(host->observer);
}

bool kv_host_write(struct kv_host *host, int fd, struct view bytes)
{
    observe(host);
    while (!view_is_empty(bytes)) {
        ssize_t written = write(fd, bytes.bytes, bytes.length_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = view_from_offset(bytes, (size_t)written);
    }
    return true;
}

bool kv_host_sync(struct kv_host *host, int fd)
{
    observe(host);
    return fsync(fd) == 0;
}

bool kv_host_rename(struct kv_host *host, int from, const char *name, int to, const char *new_name)
{
    observe(host);
    return renameat(from, name, to, new_name) == 0;
}

bool kv_host_unlink(struct kv_host *host, int folder, const char *name)
{
    observe(host);
    return unlinkat(folder, name, 0) == 0;
}

/* What a run that was stopped has left under the name must not be written into: it may be a link to
 * a file that somebody still has. */
static bool is_left_over(struct kv_host *host, const char *name)
{
    return errno == EEXIST && kv_host_unlink(host, host->stage, name);
}

int kv_host_create(struct kv_host *host, const char *name)
{
    int fd;
    do {
        observe(host);
        fd = openat(host->stage, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && is_left_over(host, name));
    return fd;
}

/* Through /proc, so that it is the very file that was opened. */
bool kv_host_link(struct kv_host *host, int fd, const char *name)
{
    char path[40];
    int status;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    do {
        observe(host);
        status = linkat(AT_FDCWD, path, host->stage, name, AT_SYMLINK_FOLLOW);
    } while (status != 0 && is_left_over(host, name));
    return status == 0;
}

/* Makes a folder and makes its name durable. */
static bool make_folder(struct kv_host *host, int folder, const char *name)
{
    observe(host);
    if (mkdirat(folder, name, 0777) != 0) return errno == EEXIST;
    return kv_host_sync(host, folder);
}

/* Somebody may have cleared the folder away. */
static bool stage_is_there(const struct kv_host *host)
{
    struct stat status;
    return host->stage >= 0 && fstat(host->stage, &status) == 0 && status.st_nlink > 0;
}

bool kv_host_open_stage(struct kv_host *host, bool make)
{
    if (stage_is_there(host)) return true;
    if (host->stage >= 0) close(host->stage);
    host->stage = -1;
    if (make && !make_folder(host, host->folder, STAGE_NAME)) return false;
    host->stage = openat(host->folder, STAGE_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return host->stage >= 0;
}

/* ---- places ---- */

/* How long the part of a key before the last slash is; 0 when there is no slash. */
static size_t parent_bytes(struct view key)
{
    size_t length_bytes = key.length_bytes;
    while (length_bytes > 0 && view_byte(key, length_bytes - 1) != '/')
        length_bytes--;
    return length_bytes > 0 ? length_bytes - 1 : 0;
}

static bool name_place(struct kv_host_place *place, struct view name)
{
    if (name.length_bytes >= sizeof place->name) {
        errno = ENAMETOOLONG;
        return false;
    }
    span_copy(SPAN_OF(place->name), name).bytes[0] = '\0';
    return true;
}

static struct view last_segment(struct view key)
{
    size_t above = parent_bytes(key);
    return view_from_offset(key, above > 0 ? above + 1 : 0);
}

static bool open_place(struct kv_host *host, struct view key, struct kv_host_place *place)
{
    if (!name_place(place, last_segment(key))) return false;
    place->folder = kv_host_open_file(host, view_first(key, parent_bytes(key)),
                                      O_RDONLY | O_DIRECTORY);
    return place->folder >= 0;
}

/* The first `length_bytes` of the key are a folder that may be missing. */
static bool make_one(struct kv_host *host, struct view key)
{
    struct kv_host_place place;
    if (!open_place(host, key, &place)) return false;
    bool made = make_folder(host, place.folder, place.name);
    int error = errno;
    close(place.folder);
    errno = error;
    return made;
}

bool kv_host_place(struct kv_host *host, struct view key, bool make, struct kv_host_place *place)
{
    if (open_place(host, key, place)) return true;
    if (!make || errno != ENOENT) return false;
    for (size_t i = 0; i < key.length_bytes; i++) {
        if (view_byte(key, i) == '/' && !make_one(host, view_first(key, i))) return false;
    }
    return open_place(host, key, place);
}

/* ---- empty folders, which no key can tell from none ---- */

static bool remove_folder(struct kv_host *host, struct view key)
{
    struct kv_host_place place;
    if (!open_place(host, key, &place)) return false;
    observe(host);
    bool removed = unlinkat(place.folder, place.name, AT_REMOVEDIR) == 0 &&
                   kv_host_sync(host, place.folder);
    int error = errno;
    close(place.folder);
    errno = error;
    return removed;
}

void kv_host_prune(struct kv_host *host, struct view key)
{
    while (parent_bytes(key) > 0) {
        key = view_first(key, parent_bytes(key));
        if (!remove_folder(host, key)) break;
    }
}

/* The first name in a folder; false when there is none. */
static bool first_name(struct kv_host *host, struct view key, struct span *path)
{
    _Alignas(struct dirent64) uint8_t room[512];
    int fd = kv_host_open_file(host, key, O_RDONLY | O_DIRECTORY);
    bool found = false;
    if (fd < 0) return false;
    for (ssize_t got; !found && (got = getdents64(fd, room, sizeof room)) > 0;) {
        struct view entries = view_from(room, (size_t)got);
        while (!found && !view_is_empty(entries)) {
            const struct dirent64 *entry = (const void *)entries.bytes;
            struct view name = view_from_string(entry->d_name);
            entries = view_from_offset(entries, entry->d_reclen);
            found = !view_equal(name, VIEW(".")) && !view_equal(name, VIEW("..")) &&
                    name.length_bytes + 1 <= path->length_bytes;
            if (found) *path = span_copy(span_copy(*path, VIEW("/")), name);
        }
    }
    close(fd);
    return found;
}

/* Down to a folder without names, which goes, and again from the top. */
bool kv_host_clear(struct kv_host *host, struct view key)
{
    struct view deep;
    do {
        struct span rest = span_copy(SPAN_OF(host->deep), key);
        do {
            deep = view_from(host->deep, sizeof host->deep - rest.length_bytes);
        } while (first_name(host, deep, &rest));
        if (!remove_folder(host, deep)) return false;
    } while (deep.length_bytes > key.length_bytes);
    return true;
}
