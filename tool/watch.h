/* watch.h - `loom run --watch`: an image that follows its sources.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_WATCH_H
#define LOOM_TOOL_WATCH_H

#include "options.h"

/* Builds and runs the image; builds it again when a source changes, and restarts it when that went
 * well. The one that runs stays while a build fails. Ends with the image's status when it ends by
 * itself or a signal ends both. */
int watch_run(const struct application *application, const struct options *options);

#endif
