/* broken.h - an image that breaks in the way it is asked to.
 *
 * SPDX-License-Identifier: ISC */
#ifndef BROKEN_H
#define BROKEN_H

#include "base/result.h"
#include "base/view.h"
#include "parameter/parameter.h"

struct broken_parameters {
    struct view how;
};
extern const struct parameter broken_parameters[];

/* NOT_FOUND: nothing breaks in that way, or it did not break. */
enum result broken_start(const struct broken_parameters *parameters) CHECKED;

#endif
