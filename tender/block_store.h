/* block_store.h - the file of the host, or its block device, that a machine's disk is in.
 *
 * Bytes move straight between it and the guest's memory, through the host's page cache or, where it
 * was opened so, without (O_DIRECT). Then the host wants places, lengths and memory aligned; what
 * the guest asks for otherwise goes through a buffer here, as a guest may read and write any sector
 * whatever the size of a block (virtio 1.2, 5.2.5). One tender at a time may write a file: it is
 * locked while it is open, so that nobody writes beside what is written through the buffer.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_BLOCK_STORE_H
#define LOOM_TENDER_BLOCK_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/result.h"
#include "base/view.h"

/* An open file. */
struct block_store {
    int descriptor;
    bool read_only;
    uint64_t sector_count; /* of 512 bytes */
    uint32_t block_bytes;  /* what is read and written best: a power of two from 512 on */
    /* With O_DIRECT what places and lengths, and what addresses are multiples of; else 0. Both are
     * powers of two, and block_bytes is a multiple of the first. */
    uint32_t direct_bytes, direct_memory_bytes;
    struct span bounce; /* with O_DIRECT: aligned for it */
};

enum block_store_way { BLOCK_CACHED, BLOCK_DIRECT };

/* Opens a file or a block device, and locks it. What goes wrong is told on stderr, and what helps.
 * NOT_FOUND, DENIED, EXISTS (another process has it), INVALID (neither a file nor a block device,
 * or it has not one block), UNSUPPORTED (it cannot be read and written without the host's cache),
 * FAILED. */
enum result block_store_open(struct block_store *store, struct view path, bool read_only,
                             enum block_store_way way) CHECKED;

void block_store_close(struct block_store *store);

/* ---- moving bytes ---- */

struct block_transfer {
    bool is_write;
    bool is_lasting; /* a write: it is on the disk when this returns */
    const struct iovec *parts;
    size_t part_count, length_bytes; /* of all parts */
    uint64_t offset;                 /* in the store: all of it is there */
    struct iovec *room;              /* for as many parts */
};

/* All of it. False: the host cannot, or the file has become shorter (ENODATA); errno says why. */
bool block_store_move(const struct block_store *store, const struct block_transfer *transfer);

#endif
