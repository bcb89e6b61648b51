/* journal.h - what a disk remembers of the starts of an image: the last of them, each with when it
 * began, how long it lived, and whether it ended well.
 *
 * Each start has two blocks, and writes them in turn, so that a write that is cut off leaves what
 * stood there before:
 *
 *     block   0     1     2     3                     starts_max pairs, used round and round
 *          | start n   | start n+1 | ...
 *          | even| odd |
 *
 *     record  "LoomDisk" | number | version | started_ns | lived_ns | state | CRC-32 | zeros
 *
 * The greatest number with a sound record is the last start, and of its two blocks the greater
 * version is what happened last. Nothing is ever written over that is still needed, and a start is
 * not told to anybody before it is flushed: so no number is told twice.
 *
 * SPDX-License-Identifier: ISC */
#ifndef DISK_JOURNAL_H
#define DISK_JOURNAL_H

#include "block/block.h"

#define JOURNAL_STARTS_MAX 64
#define JOURNAL_STARTS_MIN 2

enum journal_state {
    JOURNAL_ALIVE = 1, /* when it was last heard of */
    JOURNAL_ENDED = 2, /* as it should */
};

struct journal_start {
    uint64_t number;     /* from 1; 0: none */
    uint64_t version;    /* of its record, from 0 */
    uint64_t started_ns; /* wall clock */
    uint64_t lived_ns;
    enum journal_state state;
};

struct journal {
    struct block *block;
    struct span room;                                /* for one block */
    struct journal_start starts[JOURNAL_STARTS_MAX]; /* by number, modulo starts_max */
    size_t starts_max;
    uint64_t last;    /* the greatest number; 0: the disk remembers nothing */
    unsigned damaged; /* blocks that are neither sound nor empty */
};

/* Waits. Reads what the disk remembers. `format`: whatever else it holds, it forgets.
 * EXISTS: it holds no record and is not empty. TOO_LARGE: it has room for fewer than
 * JOURNAL_STARTS_MIN. FULL: no memory. */
enum result journal_open(struct journal *journal, struct block *block, bool format) CHECKED;
void journal_close(struct journal *journal);

/* Waits. A new start, the number of which is `journal->last` from then on; on OK it lasts. */
enum result journal_begin(struct journal *journal, uint64_t started_ns) CHECKED;

/* Waits. What is new of the last start; on OK it lasts. */
enum result journal_note(struct journal *journal, uint64_t lived_ns,
                         enum journal_state state) CHECKED;

/* The start of that number, or NULL if it is forgotten. */
const struct journal_start *journal_find(const struct journal *journal, uint64_t number);

#endif
