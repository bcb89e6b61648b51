/* source.h - the C file that loom-crunch writes.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRUNCH_SOURCE_H
#define LOOM_CRUNCH_SOURCE_H

#include <stdio.h>

#include "crunch/output.h"

void crunch_source_write(FILE *stream, const struct crunch_output *output,
                         const struct crunch_folder *folder);

/* The length of the blob: one byte more than its parts, because C has no empty array. */
size_t crunch_source_blob_bytes(const struct crunch_folder *folder);

#endif
