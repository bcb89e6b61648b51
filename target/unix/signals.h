/* signals.h - the signals that ask a process to end.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UNIX_SIGNALS_H
#define LOOM_UNIX_SIGNALS_H

#include "base/result.h"

/* From now on SIGTERM, SIGINT and SIGHUP ask the image to stop (fiber/stop.h); one that comes a
 * good moment later ends it at once. SIGUSR1 writes the fibers' census. */
enum result signals_open(void) CHECKED;
void signals_close(void);

#endif
