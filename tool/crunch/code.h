/* code.h - the gzip and brotli variants of pages.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRUNCH_CODE_H
#define LOOM_CRUNCH_CODE_H

#include "crunch/crunch.h"

/* Works out the variants of every page that has none yet, on all processors. A variant is kept
 * where it saves a sixteenth of the page and 64 bytes, and brotli where it is smaller than gzip
 * too. Formats that are compressed in themselves are not tried. */
void crunch_code(struct crunch_folder *folder);

/* Which compressors these variants come from: another version may find others. */
const char *crunch_code_versions(void);

#endif
