/* output.h - what loom-crunch leaves: the C file, the blob of bytes, the depfile.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRUNCH_OUTPUT_H
#define LOOM_CRUNCH_OUTPUT_H

#include <stdio.h>

#include "crunch/crunch.h"

struct crunch_output {
    const char *name;
    char *directory; /* without a slash at its end */
    const char *source;
    const char *depfile;
    char *blob, *index;
    struct kv_digest blob_digest; /* once written */
};

struct crunch_output crunch_output_at(const char *name, const char *directory, const char *source,
                                      const char *depfile);

/* A file that did not change is left as it is, with its time, so that nothing is built again for
 * it. The depfile is always written. */
void crunch_output_write(struct crunch_output *output, const struct crunch_folder *folder);

/* The blob is each page's bytes, gzip and brotli in turn, each at a multiple of 16. Gives where
 * what comes after `bytes` at `offset_bytes` stands. */
size_t crunch_blob_next(size_t offset_bytes, struct view bytes);

/* `digits` has room for 64 of them and a NUL. */
void crunch_digest_text(const struct kv_digest *digest, char digits[]);

/* Text that becomes a file when it is closed, if the file does not hold it already. */
struct crunch_file {
    const char *path;
    FILE *stream;
    char *text;
    size_t length_bytes;
};
void crunch_file_open(struct crunch_file *file, const char *path);
void crunch_file_close(struct crunch_file *file);

#endif
