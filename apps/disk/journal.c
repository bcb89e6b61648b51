/* journal.c - records in blocks, each with its checksum.
 *
 * SPDX-License-Identifier: ISC */
#include "journal.h"

#include "base/cursor.h"
#include "base/units.h"
#include "base/writer.h"
#include "block/crc32.h"
#include "target/memory.h"

#define RECORD_BYTES 48 /* what the checksum behind it covers */

static const struct view magic = VIEW_ROW("LoomDisk");

/* ---- one record ---- */

static void record_write(const struct journal_start *start, struct span room)
{
    struct writer writer = writer_over(room);
    span_fill(room, 0);
    writer_put(&writer, magic);
    writer_put_u64_le(&writer, start->number);
    writer_put_u64_le(&writer, start->version);
    writer_put_u64_le(&writer, start->started_ns);
    writer_put_u64_le(&writer, start->lived_ns);
    writer_put_u64_le(&writer, start->state);
    assert_that(writer.length_bytes, ==, RECORD_BYTES);
    writer_put_u32_le(&writer, crc32(writer_view(&writer)));
}

static bool record_read(struct view block, struct journal_start *start)
{
    struct cursor cursor = cursor_over(block);
    if (!view_equal(cursor_take(&cursor, magic.length_bytes), magic)) return false;
    start->number = cursor_u64_le(&cursor);
    start->version = cursor_u64_le(&cursor);
    start->started_ns = cursor_u64_le(&cursor);
    start->lived_ns = cursor_u64_le(&cursor);
    start->state = (enum journal_state)cursor_u64_le(&cursor);
    uint32_t checksum = cursor_u32_le(&cursor);
    return !cursor.ran_short && checksum == crc32(view_first(block, RECORD_BYTES)) &&
           start->number > 0 && (start->state == JOURNAL_ALIVE || start->state == JOURNAL_ENDED);
}

static bool is_empty(struct view block)
{
    uint8_t any = 0;
    for (size_t i = 0; i < block.length_bytes; i++)
        any |= view_byte(block, i);
    return any == 0;
}

/* ---- reading ---- */

static uint64_t block_for(const struct journal *journal, uint64_t number, uint64_t version)
{
    return number % journal->starts_max * 2 + version % 2;
}

static struct journal_start *place_for(struct journal *journal, uint64_t number)
{
    return &journal->starts[number % journal->starts_max];
}

/* A sound record in a block that is not its own was copied there, or the disk had another size. */
static void take_block(struct journal *journal, uint64_t number)
{
    struct journal_start start = { 0 };
    struct view block = span_view(journal->room);
    bool is_sound = record_read(block, &start) &&
                    block_for(journal, start.number, start.version) == number;
    if (!is_sound) {
        journal->damaged += !is_empty(block);
        return;
    }
    struct journal_start *known = place_for(journal, start.number);
    bool is_newer = start.number > known->number ||
                    (start.number == known->number && start.version >= known->version);
    if (is_newer) *known = start;
    journal->last = MAX(journal->last, start.number);
}

static enum result read_all(struct journal *journal)
{
    for (uint64_t number = 0; number < 2 * journal->starts_max; number++) {
        enum result result = block_read(journal->block, number, journal->room, NEVER);
        if (result != OK) return result;
        take_block(journal, number);
    }
    return OK;
}

/* ---- writing ---- */

static enum result write_start(struct journal *journal, const struct journal_start *start)
{
    record_write(start, journal->room);
    enum result result = block_write(journal->block,
                                     block_for(journal, start->number, start->version),
                                     span_view(journal->room), NEVER);
    if (result == OK) result = block_flush(journal->block, NEVER);
    if (result != OK) return result;
    *place_for(journal, start->number) = *start;
    journal->last = start->number;
    return OK;
}

static enum result forget_all(struct journal *journal)
{
    enum result result = OK;
    span_fill(journal->room, 0);
    for (uint64_t number = 0; number < 2 * journal->starts_max && result == OK; number++)
        result = block_write(journal->block, number, span_view(journal->room), NEVER);
    return result == OK ? block_flush(journal->block, NEVER) : result;
}

/* ---- the journal ---- */

enum result journal_open(struct journal *journal, struct block *block, bool format)
{
    *journal = (struct journal){
        .block = block,
        .starts_max = (size_t)MIN(block->block_count / 2, JOURNAL_STARTS_MAX),
    };
    if (journal->starts_max < JOURNAL_STARTS_MIN) return TOO_LARGE;
    enum result result = memory_take(block->block_bytes, &journal->room);
    if (result != OK) return result;
    result = format ? forget_all(journal) : read_all(journal);
    if (result == OK && journal->last == 0 && journal->damaged > 0) result = EXISTS;
    if (result != OK) journal_close(journal);
    return result;
}

void journal_close(struct journal *journal)
{
    memory_give_back(journal->room);
    journal->room = (struct span){ 0 };
}

enum result journal_begin(struct journal *journal, uint64_t started_ns)
{
    const struct journal_start start = { .number = journal->last + 1,
                                         .started_ns = started_ns,
                                         .state = JOURNAL_ALIVE };
    return write_start(journal, &start);
}

enum result journal_note(struct journal *journal, uint64_t lived_ns, enum journal_state state)
{
    struct journal_start start = *place_for(journal, journal->last);
    assert_that(start.number, ==, journal->last);
    start.version++;
    start.lived_ns = lived_ns;
    start.state = state;
    return write_start(journal, &start);
}

const struct journal_start *journal_find(const struct journal *journal, uint64_t number)
{
    const struct journal_start *start = &journal->starts[number % journal->starts_max];
    return number > 0 && start->number == number ? start : NULL;
}
