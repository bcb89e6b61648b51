/* disk.h - an image that reads or writes a disk for a while: what `make bench` sets beside fio.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BENCH_DISK_H
#define LOOM_BENCH_DISK_H

#include "block/block.h"
#include "parameter/parameter.h"

struct disk_parameters {
    uint64_t transfer_bytes, depth, duration_ns;
    bool write, random;
};
extern const struct parameter disk_parameters[];

/* Waits. Loads the disk, and tells on the console what was done in the time. */
enum result disk_start(struct block *block, const struct disk_parameters *parameters);

#endif
