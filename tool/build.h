/* build.h - from build.ninja to an image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_BUILD_H
#define LOOM_TOOL_BUILD_H

#include "application.h"

/* Configures if something changed, and builds the image, or `suffix` "-test" its test program.
 * False: it failed, and said why. */
bool build(const struct application *application, const struct keys *keys, const char *suffix);

/* Like build, but ends the command when it fails. The value is the path of what was built. */
const char *build_or_fail(const struct application *application, const struct keys *keys,
                          const char *suffix);

#endif
