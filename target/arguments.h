/* arguments.h - ambient: the boot parameters as they were given.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_ARGUMENTS_H
#define LOOM_TARGET_ARGUMENTS_H

#include <stddef.h>

#include "base/view.h"

#define ARGUMENTS_MAX 256

/* Without the program's name. The views and the array live as long as the image. */
const struct view *target_arguments(size_t *count);

#endif
