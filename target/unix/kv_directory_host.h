/* kv_directory_host.h - the host's calls on files below one folder, and never outside of it.
 *
 * Paths are keys. Each change of the host's files passes through here, one call a function, so that
 * a test can stop the process between any two of them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIRECTORY_HOST_H
#define LOOM_KV_DIRECTORY_HOST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/result.h"
#include "kv/kv.h"

/* Is told before each change. */
struct kv_host_observer {
    void (*change)(struct kv_host_observer *observer);
};

struct kv_host {
    int folder;       /* -1: not open */
    int stage;        /* `.loom-kv` in it; -1: not open */
    bool has_openat2; /* Linux 5.6 */
    dev_t device;
    struct view name;                  /* for the log */
    struct kv_host_observer *observer; /* NULL: none */
    char path[KV_KEY_MAX + 1];         /* for one call at a time */
    char deep[KV_KEY_MAX + 1];         /* for kv_host_clear */
};

/* Where a name of the host stands. */
struct kv_host_place {
    int folder; /* to be closed */
    char name[256];
};

enum result kv_host_open(struct kv_host *host, struct view directory) CHECKED;
void kv_host_close(struct kv_host *host);

/* The result for an errno of the host; logs those that somebody has to do something about. */
enum result kv_host_result(struct kv_host *host, struct view key, const char *doing, int error);

/* Whether a segment begins with a dot. */
bool kv_host_is_hidden(struct view key);

/* A descriptor, or -1 with errno; EXDEV: a link leads out of the folder. The empty key is the
 * folder itself. */
int kv_host_open_file(struct kv_host *host, struct view key, int flags);

/* What stands under the key, links followed; false when nothing does, or nothing that can be
 * reached. */
bool kv_host_status(struct kv_host *host, struct view key, struct stat *status);

/* The folder of a key and the last segment. With `make`, folders that are missing are made.
 * False with errno. */
bool kv_host_place(struct kv_host *host, struct view key, bool make, struct kv_host_place *place);

/* Everything below returns false with errno. */
bool kv_host_open_stage(struct kv_host *host, bool make);
bool kv_host_write(struct kv_host *host, int fd, struct view bytes);
bool kv_host_sync(struct kv_host *host, int fd);
bool kv_host_rename(struct kv_host *host, int from, const char *name, int to, const char *new_name);
bool kv_host_unlink(struct kv_host *host, int folder, const char *name);

/* A file in the stage, new or linked; what was left under its name goes. -1 with errno. */
int kv_host_create(struct kv_host *host, const char *name);
bool kv_host_link(struct kv_host *host, int fd, const char *name);

/* Removes the folders above a key that hold nothing any more. */
void kv_host_prune(struct kv_host *host, struct view key);

/* Removes the folder that stands under a key, in which there are only folders. */
bool kv_host_clear(struct kv_host *host, struct view key);

#endif
