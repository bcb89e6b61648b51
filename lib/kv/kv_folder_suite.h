/* kv_folder_suite.h - a scratch folder of the host, for tests of stores that keep files or are made
 * of them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_FOLDER_SUITE_H
#define LOOM_KV_FOLDER_SUITE_H

#include "base/view.h"

struct kv_folder {
    char path[64];
};

/* A fresh one below TMPDIR, or /tmp. */
void kv_folder_make(struct kv_folder *folder);

/* One in memory, where the host has that: for tests that write so much that a disk would be slow.
 */
void kv_folder_make_in_memory(struct kv_folder *folder);

/* With all that is in it. */
void kv_folder_remove(struct kv_folder *folder);

/* "FOLDER/NAME"; it lives until the next call. */
const char *kv_folder_path(const struct kv_folder *folder, struct view name);

/* Writes a file, and the folders that it needs. */
void kv_folder_write(const struct kv_folder *folder, struct view name, struct view bytes);

/* Runs a command of the shell and gives its status. */
__attribute__((format(printf, 1, 2))) int kv_folder_run(const char *words, ...);

#endif
