/* disk.h - the entry of disk, and its boot parameters.
 *
 * SPDX-License-Identifier: ISC */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>

#include "block/block.h"
#include "parameter/parameter.h"

struct disk_parameters {
    uint64_t beat_ns;
    bool format;
};
extern const struct parameter disk_parameters[];

/* Waits. Tells on the console what the disk remembers of earlier starts, has it remember this one,
 * and until a stop is requested how long it lives. EXISTS: the disk holds something else, and
 * `format` is not set. */
enum result disk_start(struct block *block, const struct disk_parameters *parameters) CHECKED;

#endif
