/* tick.h - the entry of tick, and its boot parameters.
 *
 * SPDX-License-Identifier: ISC */
#ifndef TICK_H
#define TICK_H

#include <stdint.h>

#include "base/result.h"
#include "parameter/parameter.h"

struct tick_parameters {
    uint64_t beat_ns;
    uint64_t duration_ns;
};
extern const struct parameter tick_parameters[];

/* Waits. Runs three tickers for `duration_ns`, or until a stop is requested, and tells on the
 * console what happens. */
enum result tick_start(const struct tick_parameters *parameters) CHECKED;

#endif
