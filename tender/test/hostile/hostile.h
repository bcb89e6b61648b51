/* hostile.h - an image that does to its tender what it is asked to.
 *
 * SPDX-License-Identifier: ISC */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "base/result.h"
#include "base/view.h"
#include "parameter/parameter.h"

struct hostile_parameters {
    struct view how;
    uint64_t seed;
};
extern const struct parameter hostile_parameters[];

/* OK: the tender is still there. NOT_FOUND: it does nothing in that way. */
enum result hostile_start(const struct hostile_parameters *parameters) CHECKED;

#endif
