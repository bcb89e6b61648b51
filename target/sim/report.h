/* report.h - what a world tells when something went wrong. Within target/sim.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_REPORT_H
#define LOOM_SIM_REPORT_H

#include "target/sim/world.h"

/* From now on a fault of the processor is told with the seed, the time and the node it came in,
 * before whoever handled it before does so. */
void report_faults(struct world *world);

/* Where images without a path are. It lives for ever. */
const char *report_image_folder(const struct world *world);

#endif
