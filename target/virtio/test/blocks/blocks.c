/* blocks.c - writes and reads a disk in requests of many parts, of one, and of the most bytes; and
 * with many of them under way.
 *
 * SPDX-License-Identifier: ISC */
#include "blocks.h"

#include "base/units.h"
#include "fiber/fiber.h"
#include "target/console.h"

#define LOG_MODULE "blocks"
#include "log/log.h"

#define FLIGHTS     100
#define GROWN_IN_NS (10 * S_NS)

const struct parameter blocks_parameters[] = {
    PARAMETER_NUMBER(struct blocks_parameters, grown, "grown", "0", 0, UINT32_MAX,
                     "blocks that the disk is to grow to"),
    PARAMETER_END,
};

static uint8_t room[BLOCK_REQUEST_BYTES_MAX];

/* Of the byte at this place of the disk, in this round. */
static uint8_t pattern(uint64_t at, uint8_t round)
{
    return (uint8_t)(at / BLOCK_BYTES_MIN * 31 + at % 251 + (uint64_t)round * 17);
}

static void fill(struct span bytes, uint64_t at, uint8_t round)
{
    for (size_t i = 0; i < bytes.length_bytes; i++)
        bytes.bytes[i] = pattern(at + i, round);
}

static bool is_filled(struct view bytes, uint64_t at, uint8_t round)
{
    for (size_t i = 0; i < bytes.length_bytes; i++)
        if (view_byte(bytes, i) != pattern(at + i, round)) return false;
    return true;
}

/* So many parts of so many blocks each: their places in `room` are in reverse order. */
static struct span lay_parts(union block_part parts[], size_t count, size_t part_bytes)
{
    for (size_t i = 0; i < count; i++)
        parts[i].into = span_first(span_from_offset(SPAN_OF(room), (count - 1 - i) * part_bytes),
                                   part_bytes);
    return span_first(SPAN_OF(room), count * part_bytes);
}

/* All of the disk in requests of this shape. */
static enum result go_over(struct block *block, size_t count, size_t part_blocks, uint8_t round)
{
    static union block_part parts[BLOCK_PARTS_MAX];
    size_t part_bytes = part_blocks * block->block_bytes, step = count * part_blocks;
    struct span all = lay_parts(parts, count, part_bytes);
    enum result result = OK;
    for (uint64_t at = 0; result == OK && at + step <= block->block_count; at += step) {
        for (size_t i = 0; i < count; i++)
            fill(parts[i].into, at * block->block_bytes + i * part_bytes, round);
        result = block_write_parts(block, at, parts, count, NEVER);
    }
    if (result == OK) result = block_flush(block, NEVER);
    for (uint64_t at = 0; result == OK && at + step <= block->block_count; at += step) {
        span_fill(all, 0);
        result = block_read_parts(block, at, parts, count, NEVER);
        for (size_t i = 0; result == OK && i < count; i++) {
            uint64_t first_byte = at * block->block_bytes + i * part_bytes;
            if (!is_filled(span_view(parts[i].into), first_byte, round)) result = FAILED;
        }
    }
    if (result != OK)
        log_error("%zu parts of %zu blocks: %s", count, part_blocks, result_text(result));
    return result;
}

/* ---- many under way ---- */

struct flight {
    struct block_request request;
    union block_part part;
};

static struct flight flights[FLIGHTS];
static size_t under_way_count;
static struct waiters landed;

static void flight_done(struct block_request *request)
{
    (void)request;
    if (--under_way_count == 0) waiters_wake_all(&landed);
}

static enum result fly(struct block *block, uint8_t round)
{
    enum result result = OK;
    size_t block_bytes = block->block_bytes;
    waiters_init(&landed);
    span_fill(SPAN_OF(room), 0);
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &flights[i];
        flight->part.into = span_first(span_from_offset(SPAN_OF(room), i * block_bytes),
                                       block_bytes);
        flight->request = (struct block_request){ .kind = BLOCK_READ,
                                                  .first_block = i * 7 % FLIGHTS,
                                                  .parts = &flight->part,
                                                  .part_count = 1,
                                                  .done = flight_done };
        if (block_submit(block, &flight->request) != OK) return FAILED;
        under_way_count++;
    }
    while (under_way_count > 0 && result == OK)
        result = waiters_wait(&landed, "requests", NEVER);
    for (size_t i = 0; i < FLIGHTS; i++) {
        uint64_t at = flights[i].request.first_block * block_bytes;
        if (flights[i].request.result != OK) return flights[i].request.result;
        if (!is_filled(span_view(flights[i].part.into), at, round)) return FAILED;
    }
    return result;
}

/* ---- the rest ---- */

static enum result discard_some(struct block *block)
{
    struct span one = span_first(SPAN_OF(room), block->block_bytes);
    enum result result = block_discard(block, 8, 16, NEVER);
    if (result == OK) result = block_read(block, 9, one, NEVER);
    if (result != OK) return result;
    bool was_kept = view_byte(span_view(one), 1) != 0;
    log_info("a discard has %s", was_kept ? "left the blocks as they were" : "made them zeros");
    return OK;
}

static enum result wait_until_grown(struct block *block, uint64_t block_count)
{
    console_write(VIEW("may grow\n"));
    for (uint64_t waited_ns = 0; waited_ns < GROWN_IN_NS; waited_ns += 100 * MS_NS) {
        if (block->block_count == block_count)
            return block_read(block, block_count - 1, span_first(SPAN_OF(room), block->block_bytes),
                              NEVER);
        (void)fiber_sleep(100 * MS_NS);
    }
    return TIMED_OUT;
}

static enum result go_over_in_every_shape(struct block *block)
{
    static const struct {
        size_t parts, part_bytes;
    } shapes[] = { { 1, 4096 }, { 1, 1 << 20 }, { 3, 4096 }, { 64, 4096 }, { 64, 16384 } };
    enum result result = OK;
    uint8_t round = 0;
    for (size_t i = 0; result == OK && i < LENGTH_OF(shapes); i++)
        result = go_over(block, shapes[i].parts, shapes[i].part_bytes / block->block_bytes,
                         ++round);
    return result == OK ? fly(block, round) : result;
}

enum result blocks_start(struct block *block, const struct blocks_parameters *parameters)
{
    log_info("%llu blocks of %u bytes%s", (unsigned long long)block->block_count,
             block->block_bytes, block->read_only ? ", read-only" : "");
    if (block->read_only) {
        bool is_denied = block_discard(block, 0, 1, NEVER) == DENIED;
        enum result result = block_read(block, 0, span_first(SPAN_OF(room), block->block_bytes),
                                        NEVER);
        return is_denied ? result : FAILED;
    }
    enum result result = go_over_in_every_shape(block);
    if (result == OK) result = discard_some(block);
    if (result == OK && parameters->grown > 0) result = wait_until_grown(block, parameters->grown);
    if (result == OK) console_write(VIEW("all was as it was written\n"));
    return result;
}
