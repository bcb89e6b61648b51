/* kv_directory_host.c - reaching files below a folder: openat2 where the kernel has it, else a walk
 * that follows no link at all.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_MODULE "kv"
#include "log/log.h"

/* A path is walked again when somebody renamed a folder under it meanwhile. */
#define TRIES_MAX 8

static long open_beneath(int folder, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    }
    return fd;
}

/* Segment by segment, and none of them a link. */
static int open_without_links(int folder, char *path, int flags)
{
    int at = folder;
    for (char *slash; at >= 0 && (slash = strchr(path, '/')) != NULL; path = &slash[1]) {
        *slash = '\0';
        int below = openat(at, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        if (at != folder) close(at);
        errno = error;
        at = below;
    }
    if (at < 0) return -1;
    int fd = openat(at, path, flags | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    if (at != folder) close(at);
    errno = error;
    return fd;
}

int kv_host_open_file(struct kv_host *host, struct view key, int flags)
{
    struct view path = view_is_empty(key) ? VIEW(".") : key;
    struct span rest = span_copy(SPAN_OF(host->path), path);
    rest.bytes[0] = '\0';
    if (!host->has_openat2) return open_without_links(host->folder, host->path, flags);
    return (int)open_beneath(host->folder, host->path, flags);
}

bool kv_host_status(struct kv_host *host, struct view key, struct stat *status)
{
    int fd = kv_host_open_file(host, key, O_PATH);
    if (fd < 0) return false;
    bool known = fstat(fd, status) == 0;
    close(fd);
    return known;
}

bool kv_host_is_hidden(struct view key)
{
    while (!view_is_empty(key)) {
        if (view_byte(view_cut(key, '/', &key), 0) == '.') return true;
    }
    return false;
}

static enum result result_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP: return NOT_FOUND;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT: return FULL;
    case EFBIG:
    case ENAMETOOLONG: return TOO_LARGE;
    case EACCES:
    case EPERM:
    case EROFS:
    case EXDEV: return DENIED;
    default: return FAILED;
    }
}

enum result kv_host_result(struct kv_host *host, struct view key, const char *doing, int error)
{
    enum result result = result_of(error);
    if (result == NOT_FOUND) return result;
    log_warning("%.*s/%.*s: cannot be %s: %s", VIEW_FORMAT(host->name), VIEW_FORMAT(key), doing,
                error == EXDEV ? "a link or a mounted file system leads out of the folder"
                               : strerror(error));
    return result;
}

enum result kv_host_open(struct kv_host *host, struct view directory)
{
    *host = (struct kv_host){ .folder = -1, .stage = -1, .name = directory };
    if (view_is_empty(directory) || directory.length_bytes >= sizeof host->path) {
        log_error("no folder was named: give its boot parameter `directory`");
        return INVALID;
    }
    span_copy(SPAN_OF(host->path), directory).bytes[0] = '\0';
    host->folder = open(host->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    if (host->folder < 0 || fstat(host->folder, &status) != 0) {
        log_error("%s: cannot be opened: %s; its boot parameter `directory` names a folder that "
                  "can be read",
                  host->path, strerror(errno));
        enum result result = result_of(errno);
        kv_host_close(host);
        return result;
    }
    host->device = status.st_dev;
    long fd = open_beneath(host->folder, ".", O_PATH);
    host->has_openat2 = fd >= 0;
    if (fd >= 0) close((int)fd);
    return OK;
}

void kv_host_close(struct kv_host *host)
{
    if (host->stage >= 0) close(host->stage);
    if (host->folder >= 0) close(host->folder);
    host->stage = host->folder = -1;
}
