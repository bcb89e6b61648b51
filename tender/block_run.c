/* block_run.c - requests gathered, and carried out together.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/block_run.h"

#include "base/units.h"
#include "tender/parts.h"

#define SECTOR VIRTIO_BLOCK_SECTOR_BYTES

/* Data stands behind the header in what is read of a chain, and ahead of the status in what is
 * written. */
static size_t slice(struct iovec *to, const struct queue_chain *chain, bool is_write,
                    uint32_t data_bytes)
{
    return is_write ? parts_slice(to, queue_readable(chain), chain->readable_count,
                                  sizeof(struct virtio_block_request), data_bytes)
                    : parts_slice(to, queue_writable(chain), chain->writable_count, 0, data_bytes);
}

bool block_run_takes(const struct block_run *run, const struct queue_chain *chain, bool is_write,
                     uint64_t sector, uint32_t data_bytes)
{
    size_t parts_max = is_write ? chain->readable_count : chain->writable_count;
    if (run->request_count == 0) return true;
    return run->is_write == is_write && sector == run->sector + run->data_bytes / SECTOR &&
           run->request_count < BLOCK_RUN_MAX && run->part_count + parts_max <= QUEUE_PARTS_MAX &&
           run->data_bytes + data_bytes <= BLOCK_RUN_BYTES_MAX;
}

/* The last byte that a chain has for the device: no part of it is empty. */
static struct span status_of(const struct queue_chain *chain)
{
    const struct iovec *last = &queue_writable(chain)[chain->writable_count - 1];
    return span_from_offset(span_from(last->iov_base, last->iov_len), last->iov_len - 1);
}

void block_run_add(struct block_run *run, const struct queue_chain *chain, bool is_write,
                   uint64_t sector, uint32_t data_bytes)
{
    assert(block_run_takes(run, chain, is_write, sector, data_bytes));
    if (run->request_count == 0) {
        run->is_write = is_write;
        run->sector = sector;
        run->data_bytes = 0;
        run->part_count = 0;
    }
    size_t count = slice(&run->parts[run->part_count], chain, is_write, data_bytes);
    run->requests[run->request_count++] = (struct block_run_request){
        .head = chain->head,
        .writable_bytes = chain->writable_bytes,
        .status = status_of(chain),
        .data_bytes = data_bytes,
        .part_first = (uint32_t)run->part_count,
        .part_count = (uint32_t)count,
    };
    run->part_count += count;
    run->data_bytes += data_bytes;
}

/* So much of it, from a part of it on. */
static bool move(const struct block_run *run, const struct block_store *store, bool is_lasting,
                 struct iovec *room, const struct block_run_request *what, uint64_t skipped_bytes)
{
    return block_store_move(
        store, &(const struct block_transfer){
                   .is_write = run->is_write,
                   .is_lasting = is_lasting,
                   .parts = &run->parts[what->part_first],
                   .part_count = what->part_count,
                   .length_bytes = what->data_bytes,
                   .offset = run->sector * SECTOR + skipped_bytes, /* on the disk: no overflow */
                   .room = room,
               });
}

size_t block_run_carry_out(struct block_run *run, const struct block_store *store, bool is_lasting,
                           struct iovec *room)
{
    const struct block_run_request whole = { .part_count = (uint32_t)run->part_count,
                                             .data_bytes = run->data_bytes };
    size_t failed = 0;
    uint64_t skipped_bytes = 0;
    bool all_done = move(run, store, is_lasting, room, &whole, 0);
    bool is_single = run->request_count == 1;
    for (size_t i = 0; i < run->request_count; i++) {
        struct block_run_request *request = &run->requests[i];
        request->is_done = all_done || (!is_single &&
                                        move(run, store, is_lasting, room, request, skipped_bytes));
        skipped_bytes += request->data_bytes;
        failed += !request->is_done;
    }
    return failed;
}
