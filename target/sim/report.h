/* report.h - what a world tells when something went wrong. Within target/sim.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_REPORT_H
#define LOOM_SIM_REPORT_H

#include "target/sim/world.h"

/* From now on a fault of the processor is told with the seed, the time and the node it came in,
 * before whoever handled it before does so. */
void report_faults(struct world *world);

/* The path of an image: without a slash it is NAME, or NAME.so, in the world's folder or where this
 * program is. */
void report_image_path(const struct world *world, const char *name, char path[], size_t room_bytes);

#endif
