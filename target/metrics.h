/* metrics.h - ambient: what only the target knows of itself and /metrics should show.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_METRICS_H
#define LOOM_TARGET_METRICS_H

/* Registers the target's figures, once, when the image starts; a target may have none. */
void target_metrics_register(void);

/* The first fiber runs, and the image's own part begins, with its devices: for who measures how
 * long a start takes. */
void target_metrics_begin(void);

#endif
