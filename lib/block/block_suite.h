/* block_suite.h - what every block must do: the cases that run against each implementation.
 *
 *     static struct block_fixture memory = { .open = memory_open, .close = memory_close };
 *     BLOCK_SUITE(block_memory, &memory)
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_SUITE_H
#define LOOM_BLOCK_SUITE_H

#include "block/block.h"
#include "test/test.h"

/* So many blocks a case asks for at most. */
#define BLOCK_SUITE_BLOCKS 4096

struct block_fixture {
    /* Gives a disk of so many blocks, which may hold anything. */
    struct block *(*open)(struct block_fixture *fixture, uint64_t block_count);
    void (*close)(struct block_fixture *fixture); /* no request is under way */
    /* Closes the disk and opens what is left of it once more: of a disk that outlives its
     * closing, for BLOCK_LASTING_SUITE. */
    struct block *(*reopen)(struct block_fixture *fixture);
};

#define BLOCK_DATA_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, tells_its_size) \
    CASE(implementation, fixture, write_reads_back) \
    CASE(implementation, fixture, parts_in_every_cut) \
    CASE(implementation, fixture, most_parts) \
    CASE(implementation, fixture, largest_request) \
    CASE(implementation, fixture, first_and_last_block) \
    CASE(implementation, fixture, neighbours_stay) \
    CASE(implementation, fixture, outside_is_invalid) \
    CASE(implementation, fixture, read_only_denies) \
    CASE(implementation, fixture, discard_gives_zeros_or_what_was) \
    CASE(implementation, fixture, random_against_a_model)

#define BLOCK_FLIGHT_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, told_once_in_the_loop) \
    CASE(implementation, fixture, many_under_way) \
    CASE(implementation, fixture, submitted_from_done) \
    CASE(implementation, fixture, flushes_among_writes) \
    CASE(implementation, fixture, withdrawn_never_happened) \
    CASE(implementation, fixture, passed_deadline_does_nothing) \
    CASE(implementation, fixture, short_deadlines_tell_the_truth) \
    CASE(implementation, fixture, cancelled_lets_go_of_the_bytes) \
    CASE(implementation, fixture, fibers_side_by_side)

/* Of a disk that outlives its closing. */
#define BLOCK_LASTING_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, flushed_outlives_closing)

#define BLOCK_CASE_DECLARE(implementation, fixture, name) \
    void block_case_##name(struct block_fixture *fixture);
BLOCK_DATA_CASES(BLOCK_CASE_DECLARE, , fixture)
BLOCK_FLIGHT_CASES(BLOCK_CASE_DECLARE, , fixture)
BLOCK_LASTING_CASES(BLOCK_CASE_DECLARE, , fixture)

#define BLOCK_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        block_case_##name(fixture); \
    }

#define BLOCK_SUITE(implementation, fixture) \
    BLOCK_DATA_CASES(BLOCK_CASE_TEST, implementation, fixture) \
    BLOCK_FLIGHT_CASES(BLOCK_CASE_TEST, implementation, fixture)
#define BLOCK_LASTING_SUITE(implementation, fixture) \
    BLOCK_LASTING_CASES(BLOCK_CASE_TEST, implementation, fixture)

/* ---- for the cases, and for tests of one implementation ---- */

/* Memory that is aligned for every device, of BLOCK_REQUEST_BYTES_MAX each; its bytes change only
 * by a test's own hand. */
#define BLOCK_SUITE_ROOMS 3
struct span block_suite_room(size_t index);

/* Fills blocks so that each tells its number and its version. */
void block_suite_mark(struct span blocks, size_t block_bytes, uint64_t first_block,
                      uint64_t version);

/* Writes so marked blocks, and expects such ones. */
void block_suite_write(struct block *block, uint64_t first_block, uint64_t block_count,
                       uint64_t version);
void block_suite_expect(struct block *block, uint64_t first_block, uint64_t block_count,
                        uint64_t version);

#endif
