/* block_file.h - a disk in a file of the host, or one of its block devices.
 *
 *     --block=disk.img                          what whoever starts the image says
 *     --block=disk.img --block-create=64MiB     and makes, where there is none yet
 *     --block=/dev/nvme0n1p3
 *
 * The host's calls (preadv, pwritev, fdatasync) wait for its disk, so a crew of threads makes them.
 * (io_uring would save the threads; containers and hardened hosts forbid it, and then they would be
 * needed all the same.) A read of what the host has in its cache is done at once, without them.
 *
 * One image at a time may write a file: it is locked while it is open.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_FILE_H
#define LOOM_BLOCK_FILE_H

#include "block/block.h"
#include "fiber/fiber.h"
#include "metrics/metrics.h"
#include "parameter/parameter.h"
#include "target/unix/crew.h"

struct block_file_parameters {
    struct view path;
    uint64_t create_bytes; /* 0: the file must be there */
    uint64_t block_bytes;
    uint64_t thread_count;
    bool read_only;
    bool direct;
};
extern const struct parameter block_file_parameters[];

struct block_file {
    struct block block;
    int descriptor;
    bool is_device;       /* of the host: not a regular file */
    bool has_quick_reads; /* the loop's: the file system can say at once what is in the cache */
    struct crew crew;
    struct list at_hand; /* the loop's: reads that needed no thread */
    struct deferred turn;
    struct metrics metrics;
};

/* INVALID: no path is given, it is neither a file nor a block device, or it is too short.
 * NOT_FOUND, DENIED: it cannot be opened. EXISTS: another process has it. FULL: the host has no
 * descriptor, thread or room for it. The log says what it was and what helps. */
enum result block_file_open(struct block_file *file,
                            const struct block_file_parameters *parameters) CHECKED;

/* No request may be under way. What was written and not flushed is the host's, as after the end of
 * any process: it lasts unless the host goes down. */
void block_file_close(struct block_file *file);

#endif
