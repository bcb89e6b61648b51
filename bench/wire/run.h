/* run.h - the entry of the wire.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BENCH_WIRE_RUN_H
#define LOOM_BENCH_WIRE_RUN_H

#include "base/result.h"

struct wire;

/* Waits until the image is to stop. The wire works in the loop. */
enum result wire_run(struct wire *wire);

#endif
