/* segments.h - the parts of the running image, by the headers that the linker maps with it. Within
 * lib/image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SEGMENTS_H
#define LOOM_SEGMENTS_H

#include <stddef.h>

#include "base/result.h"
#include "base/view.h"

/* What can be executed; empty where the linker maps no headers. */
COLD struct view segment_code(void);

/* The notes; `which` counts from 0. Empty: there are no more. */
COLD struct view segment_notes(size_t which);

#endif
