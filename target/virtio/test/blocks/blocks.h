/* blocks.h - an image that writes all of a real device's disk and reads it back, in requests of
 * every shape, and tells what the device has said of itself.
 *
 * SPDX-License-Identifier: ISC */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "block/block.h"
#include "parameter/parameter.h"

struct blocks_parameters {
    uint64_t grown; /* waits until the disk has so many blocks */
};
extern const struct parameter blocks_parameters[];

/* Waits. FAILED: something was read that was not written. */
enum result blocks_start(struct block *block, const struct blocks_parameters *parameters) CHECKED;

#endif
