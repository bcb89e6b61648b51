/* block_run.h - reads, or writes, that follow each other on a disk and so become one of the host's:
 *
 *     requests    | 8..15 | 16..23 | 24..24 |        sectors, in the order in which they came
 *     parts       | - - - | -      | - -    |        of the guest's memory, as they are
 *
 * Within device_block. A run is carried out as a whole; where the host cannot, each request by
 * itself, so that what fails is told of that one alone.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_BLOCK_RUN_H
#define LOOM_TENDER_BLOCK_RUN_H

#include "tender/block_store.h"
#include "tender/queue.h"

#define BLOCK_RUN_MAX       64
#define BLOCK_RUN_BYTES_MAX ((uint32_t)1 << 20) /* and any request alone */

struct block_run_request {
    uint32_t head, writable_bytes; /* of its chain */
    struct span status;            /* one byte */
    uint32_t data_bytes;
    uint32_t part_first, part_count;
    bool is_done; /* else the host could not */
};

/* Zeroed: empty. */
struct block_run {
    bool is_write;
    uint64_t sector;
    uint32_t data_bytes;
    size_t request_count, part_count;
    struct block_run_request requests[BLOCK_RUN_MAX];
    struct iovec parts[QUEUE_PARTS_MAX];
};

/* Whether this chain's request, which reads or writes so much from `sector` on, can go with those
 * that are there. One of a sound chain can always when there are none. */
bool block_run_takes(const struct block_run *run, const struct queue_chain *chain, bool is_write,
                     uint64_t sector, uint32_t data_bytes);

/* Adds it. The chain's memory is the run's until it is emptied. */
void block_run_add(struct block_run *run, const struct queue_chain *chain, bool is_write,
                   uint64_t sector, uint32_t data_bytes);

/* Carries it out: each request is done or not. `room`: for QUEUE_PARTS_MAX parts. Gives how many
 * are not; errno is the last one's. */
size_t block_run_carry_out(struct block_run *run, const struct block_store *store, bool is_lasting,
                           struct iovec *room);

#endif
