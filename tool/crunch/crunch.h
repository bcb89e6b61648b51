/* crunch.h - what the parts of loom-crunch hand to each other: the pages of a folder.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRUNCH_H
#define LOOM_CRUNCH_H

#include <stdbool.h>
#include <stddef.h>

#include "kv/kv.h"

struct crunch_page {
    char *path; /* as a user would write it; the key is its end */
    struct view key;
    struct view bytes;
    struct view coded[KV_CODINGS]; /* empty: not worth its room */
    bool is_coded;                 /* the variants are decided on */
    struct kv_digest digest;
    uint64_t modified_ns;
};

struct crunch_folder {
    struct crunch_page *pages; /* in byte order of their keys */
    size_t count;
    char **inputs; /* every folder and file that was looked at, for the depfile */
    size_t input_count;
};

/* Ends the program with one line, "loom-crunch: " and what is wrong and how to mend it. */
_Noreturn void crunch_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory, or the end of the program. It lasts as long as the run, which is short: what belongs to
 * the pages is not given back. */
void *crunch_allocate(size_t length_bytes);
void *crunch_grow(void *memory, size_t length_bytes);
char *crunch_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
