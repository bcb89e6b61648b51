/* changes.h - whether something changed that the last configuration was made from.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_CHANGES_H
#define LOOM_TOOL_CHANGES_H

#include <time.h>

#include "application.h"

/* The moment at which a configuration began: what changes later is newer. */
struct changes_mark {
    struct timespec began;
};

/* Forgets the last configuration, so that one that fails is tried again. */
struct changes_mark changes_begin(const struct application *application);

/* Remembers this one. */
void changes_end(const struct application *application, const struct changes_mark *mark);

/* True if config.c, a header of it, Loom itself or the set of source files is not what it was. */
bool changes_there_are(const struct application *application);

#endif
