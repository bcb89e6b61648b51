/* block_transfer.c - bytes between a disk's file and the guest's memory.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <unistd.h>

#include "base/units.h"
#include "tender/block_store.h"
#include "tender/parts.h"

static ssize_t read_once(int file, const struct iovec *parts, size_t count, off_t offset)
{
    return count == 1 ? pread(file, parts[0].iov_base, parts[0].iov_len, offset)
                      : preadv(file, parts, (int)count, offset);
}

static ssize_t write_once(int file, const struct iovec *parts, size_t count, off_t offset,
                          bool is_lasting)
{
    if (is_lasting) return pwritev2(file, parts, (int)count, offset, RWF_DSYNC);
    return count == 1 ? pwrite(file, parts[0].iov_base, parts[0].iov_len, offset)
                      : pwritev2(file, parts, (int)count, offset, 0);
}

/* Most requests have one part, and the host is quicker with it than with a list of one. */
static ssize_t move_some(const struct block_store *store, const struct block_transfer *transfer,
                         const struct iovec *parts, size_t count, uint64_t offset)
{
    ssize_t moved;
    do {
        moved = transfer->is_write ? write_once(store->descriptor, parts, count, (off_t)offset,
                                                transfer->is_lasting)
                                   : read_once(store->descriptor, parts, count, (off_t)offset);
    } while (moved < 0 && errno == EINTR);
    if (moved == 0) errno = ENODATA;
    return moved;
}

/* The host may move less than it is asked to. */
static bool move_straight(const struct block_store *store, const struct block_transfer *transfer)
{
    const struct iovec *parts = transfer->parts;
    size_t count = transfer->part_count;
    for (size_t done = 0; done < transfer->length_bytes;) {
        ssize_t moved = move_some(store, transfer, parts, count, transfer->offset + done);
        if (moved <= 0) return false;
        done += (size_t)moved;
        if (done == transfer->length_bytes) return true;
        parts = transfer->room;
        count = parts_slice(transfer->room, transfer->parts, transfer->part_count, done,
                            transfer->length_bytes - done);
    }
    return true;
}

/* ---- without the host's cache ---- */

static bool fits(const struct block_store *store, const struct block_transfer *transfer)
{
    uint64_t places = transfer->offset, addresses = 0;
    for (size_t i = 0; i < transfer->part_count; i++) {
        places |= transfer->parts[i].iov_len;
        addresses |= (uintptr_t)transfer->parts[i].iov_base;
    }
    return places % store->direct_bytes == 0 && addresses % store->direct_memory_bytes == 0;
}

/* The buffer's first bytes, from or to a place that is aligned. */
static bool move_bounce(const struct block_store *store, struct span bytes, uint64_t offset,
                        bool is_write, bool is_lasting)
{
    const struct iovec part = { .iov_base = bytes.bytes, .iov_len = bytes.length_bytes };
    const struct block_transfer whole = { .is_write = is_write,
                                          .is_lasting = is_lasting,
                                          .parts = &part,
                                          .part_count = 1,
                                          .length_bytes = bytes.length_bytes,
                                          .offset = offset,
                                          .room = &(struct iovec){ .iov_len = 0 } };
    return move_straight(store, &whole);
}

/* What lies round an unaligned piece is read first, and written back as it was. */
static bool move_piece(const struct block_store *store, const struct block_transfer *transfer,
                       size_t done, size_t *piece_bytes)
{
    const uint64_t unit = store->direct_bytes, from = transfer->offset + done;
    const uint64_t left = transfer->length_bytes - done, low = from / unit * unit;
    const uint64_t end = MIN((from + left + unit - 1) / unit * unit,
                             low + store->bounce.length_bytes);
    struct span bytes = span_first(store->bounce, end - low);
    *piece_bytes = (size_t)MIN(left, end - from);
    struct span middle = span_first(span_from_offset(bytes, from - low), *piece_bytes);
    bool is_whole = middle.length_bytes == bytes.length_bytes;
    if ((!transfer->is_write || !is_whole) && !move_bounce(store, bytes, low, false, false))
        return false;
    if (!transfer->is_write) {
        (void)parts_copy_in(transfer->parts, transfer->part_count, done, span_view(middle));
        return true;
    }
    (void)parts_copy_out(transfer->parts, transfer->part_count, done, middle);
    return move_bounce(store, bytes, low, true, transfer->is_lasting);
}

static bool move_bounced(const struct block_store *store, const struct block_transfer *transfer)
{
    size_t piece_bytes;
    for (size_t done = 0; done < transfer->length_bytes; done += piece_bytes)
        if (!move_piece(store, transfer, done, &piece_bytes)) return false;
    return true;
}

bool block_store_move(const struct block_store *store, const struct block_transfer *transfer)
{
    bool is_straight = store->direct_bytes == 0 || fits(store, transfer);
    return is_straight ? move_straight(store, transfer) : move_bounced(store, transfer);
}
