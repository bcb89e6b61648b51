/* block_file_disk.h - what a disk in a file of the host, or on one of its block devices, is asked
 * for before it is used: that nobody else writes to it, and how large it is.
 *
 * Whoever uses a disk asks here, an image as a process and the tender of a machine, so that they
 * keep each other out.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_FILE_DISK_H
#define LOOM_BLOCK_FILE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"

/* Many may read a disk, or one may write it. Held by the open file, and gone with it, however the
 * process ends (fcntl(2), open file description locks). EXISTS: another one has it. FAILED: errno
 * says why. */
enum result block_file_disk_lock(int descriptor, bool read_only) CHECKED;

struct block_file_disk_size {
    uint64_t bytes;
    uint32_t sector_bytes; /* of a block device: what it reads and writes at least; 0: of a file */
};

/* INVALID: neither a file nor a block device. FAILED: errno says why. */
enum result block_file_disk_measure(int descriptor, struct block_file_disk_size *size) CHECKED;

#endif
