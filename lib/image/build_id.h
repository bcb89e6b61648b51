/* build_id.h - the number by which the linker tells one build of an image from another. Within
 * lib/image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BUILD_ID_H
#define LOOM_BUILD_ID_H

#include "base/result.h"
#include "base/view.h"

/* The bytes of the running image's GNU build id; empty where the linker put none in. */
COLD struct view build_id(void);

#endif
