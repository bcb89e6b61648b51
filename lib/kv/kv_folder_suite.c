/* kv_folder_suite.c - files and folders through the host's own calls, whatever the store thinks of
 * them.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_folder_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv/kv.h"
#include "test/test.h"

#define DEPTH_MAX 32

static void make_below(struct kv_folder *folder, const char *below)
{
    snprintf(folder->path, sizeof folder->path, "%s/loom-kv-XXXXXX", below);
    if (mkdtemp(folder->path) == NULL) {
        test_fail(__FILE__, __LINE__, "no folder in %s: %s", below, strerror(errno));
    }
}

void kv_folder_make(struct kv_folder *folder)
{
    const char *below = getenv("TMPDIR");
    make_below(folder, below != NULL && strlen(below) < 40 ? below : "/tmp");
}

void kv_folder_make_in_memory(struct kv_folder *folder)
{
    if (access("/dev/shm", W_OK | X_OK) == 0) {
        make_below(folder, "/dev/shm");
    } else {
        kv_folder_make(folder);
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status, (void)kind, (void)at;
    return remove(path);
}

void kv_folder_remove(struct kv_folder *folder)
{
    expect(nftw(folder->path, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *kv_folder_path(const struct kv_folder *folder, struct view name)
{
    static char path[KV_KEY_MAX + 128];
    snprintf(path, sizeof path, "%s/%.*s", folder->path, VIEW_FORMAT(name));
    return path;
}

static void make_parents(const struct kv_folder *folder, struct view name)
{
    for (size_t i = 0; i < name.length_bytes; i++) {
        if (view_byte(name, i) != '/') continue;
        int made = mkdir(kv_folder_path(folder, view_first(name, i)), 0755);
        expect(made == 0 || errno == EEXIST);
    }
}

void kv_folder_write(const struct kv_folder *folder, struct view name, struct view bytes)
{
    make_parents(folder, name);
    int fd = open(kv_folder_path(folder, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        test_fail(__FILE__, __LINE__, "%s: %s", kv_folder_path(folder, name), strerror(errno));
    expect_that(write(fd, bytes.bytes, bytes.length_bytes), ==, bytes.length_bytes);
    expect(close(fd) == 0);
}

int kv_folder_run(const char *words, ...)
{
    char *command;
    va_list arguments;
    va_start(arguments, words);
    expect(vasprintf(&command, words, arguments) >= 0);
    va_end(arguments);
    int status = system(command);
    free(command);
    expect(status != -1 && WIFEXITED(status));
    return WEXITSTATUS(status);
}
