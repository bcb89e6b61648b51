/* archives.h - uses other people's archives, and says what came of it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef ARCHIVES_H
#define ARCHIVES_H

#include "base/result.h"

struct archives {
    unsigned uses; /* that came out right */
};

enum result archives_open(struct archives *archives) CHECKED;
void archives_close(struct archives *archives);

/* Writes a line for each use that came out right. INVALID: one did not. */
enum result archives_start(struct archives *archives) CHECKED;

#endif
