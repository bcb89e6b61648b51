/* journal_test.c - what the journal remembers, over a sound disk, over one with damage, and over
 * one whose power goes at any moment.
 *
 * SPDX-License-Identifier: ISC */
#include "journal.h"

#include "base/units.h"
#include "block/block_faulty.h"
#include "block/block_memory.h"
#include "test/test.h"

static struct block_memory memory;
static struct block_faulty faulty;
static struct journal journal;

static struct block *open_memory(uint64_t block_count, uint64_t block_bytes)
{
    const struct block_memory_parameters parameters = { .size_bytes = block_count * block_bytes,
                                                        .block_bytes = block_bytes };
    expect_ok(block_memory_open(&memory, &parameters));
    return &memory.block;
}

static void expect_start(uint64_t number, uint64_t lived_ns, enum journal_state state)
{
    const struct journal_start *start = journal_find(&journal, number);
    expect(start != NULL);
    expect_that(start->started_ns, ==, number * S_NS);
    expect_that(start->lived_ns, ==, lived_ns);
    expect_that(start->state, ==, state);
}

/* A start that lives for some beats, and ends well if `ends`. */
static void one_start(struct block *block, uint64_t number, unsigned beats, bool ends)
{
    expect_ok(journal_open(&journal, block, false));
    expect_that(journal.last, ==, number - 1);
    expect_ok(journal_begin(&journal, number * S_NS));
    for (unsigned i = 1; i <= beats; i++)
        expect_ok(journal_note(&journal, i * MS_NS, JOURNAL_ALIVE));
    if (ends) expect_ok(journal_note(&journal, beats * MS_NS, JOURNAL_ENDED));
    journal_close(&journal);
}

/* ---- a sound disk ---- */

/* The blocks are used three times over. */
#define REMEMBERED_STARTS ((uint64_t)3 * JOURNAL_STARTS_MAX)

TEST(journal_remembers_starts)
{
    struct block *block = open_memory(2048, 512);
    for (uint64_t number = 1; number <= REMEMBERED_STARTS; number++)
        one_start(block, number, (unsigned)(number % 5), number % 3 == 0);
    expect_ok(journal_open(&journal, block, false));
    uint64_t last = REMEMBERED_STARTS;
    for (uint64_t number = last - JOURNAL_STARTS_MAX + 1; number <= last; number++)
        expect_start(number, number % 5 * MS_NS, number % 3 == 0 ? JOURNAL_ENDED : JOURNAL_ALIVE);
    expect(journal_find(&journal, last - JOURNAL_STARTS_MAX) == NULL);
    expect(journal_find(&journal, last + 1) == NULL && journal_find(&journal, 0) == NULL);
    expect_that(journal.damaged, ==, 0);
    journal_close(&journal);
    block_memory_close(&memory);
}

TEST(journal_fits_small_disks)
{
    struct block *block = open_memory(3, 512);
    expect_result(journal_open(&journal, block, false), TOO_LARGE);
    block_memory_close(&memory);
    block = open_memory(4, 4096);
    for (uint64_t number = 1; number <= 9; number++)
        one_start(block, number, 3, true);
    expect_ok(journal_open(&journal, block, false));
    expect_start(9, 3 * MS_NS, JOURNAL_ENDED);
    expect_start(8, 3 * MS_NS, JOURNAL_ENDED);
    expect(journal_find(&journal, 7) == NULL);
    journal_close(&journal);
    block_memory_close(&memory);
}

/* ---- damage ---- */

/* The last record is damaged at each of its bits in turn: what stood there before counts. */
TEST(journal_survives_a_damaged_record)
{
    struct block *block = open_memory(16, 512);
    one_start(block, 1, 0, true);
    for (size_t bit = 0; bit < (size_t)52 * 8; bit++) {
        memory.memory.bytes[(size_t)3 * 512 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_ok(journal_open(&journal, block, false));
        expect_that(journal.damaged, ==, 1);
        expect_that(journal.last, ==, 1);
        expect_start(1, 0, JOURNAL_ALIVE);
        journal_close(&journal);
        memory.memory.bytes[(size_t)3 * 512 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    expect_ok(journal_open(&journal, block, false));
    expect_start(1, 0, JOURNAL_ENDED);
    journal_close(&journal);
    block_memory_close(&memory);
}

/* A sound record in another's block was copied there by somebody. */
TEST(journal_believes_no_record_in_a_wrong_place)
{
    struct block *block = open_memory(16, 512);
    one_start(block, 1, 0, true);
    struct view record = view_slice(span_view(memory.memory), (size_t)3 * 512, 512);
    (void)span_copy(span_from_offset(memory.memory, (size_t)6 * 512), record);
    expect_ok(journal_open(&journal, block, false));
    expect_that(journal.damaged, ==, 1);
    expect_that(journal.last, ==, 1);
    journal_close(&journal);
    block_memory_close(&memory);
}

TEST(journal_leaves_other_peoples_disks_alone)
{
    struct block *block = open_memory(2048, 512);
    memory.memory.bytes[510] = 0x55;
    expect_result(journal_open(&journal, block, false), EXISTS);
    expect_that(block->statistics.writes, ==, 0);
    expect_ok(journal_open(&journal, block, true));
    expect_ok(journal_begin(&journal, S_NS));
    expect_start(1, 0, JOURNAL_ALIVE);
    journal_close(&journal);
    one_start(block, 2, 0, true);
    block_memory_close(&memory);
}

TEST(journal_tells_failures)
{
    struct block *block = open_memory(16, 512);
    block->read_only = true;
    expect_ok(journal_open(&journal, block, false));
    expect_result(journal_begin(&journal, S_NS), DENIED);
    expect_that(journal.last, ==, 0);
    journal_close(&journal);
    block_memory_close(&memory);
}

/* ---- the power goes ---- */

/* What was told to last, when the power went. */
struct told {
    uint64_t number, lived_ns;
    enum journal_state state;
};

/* Starts and lives until the power goes; what it was told last stays in *told. */
static void live_until_off(struct block *block, struct told *told)
{
    enum result result = journal_open(&journal, block, false);
    if (result != OK) return;
    expect_that(journal.last, >=, told->number);
    uint64_t number = journal.last + 1;
    result = journal_begin(&journal, number * S_NS);
    if (result == OK) *told = (struct told){ number, 0, JOURNAL_ALIVE };
    for (uint64_t i = 1; result == OK && i <= 3; i++) {
        enum journal_state state = i == 3 ? JOURNAL_ENDED : JOURNAL_ALIVE;
        result = journal_note(&journal, i * MS_NS, state);
        if (result == OK) *told = (struct told){ number, i * MS_NS, state };
    }
    journal_close(&journal);
}

/* What was told is there, or something newer of the same start, and nothing is damaged. Starts that
 * were not told may have come after it, and used up its blocks. */
static void expect_told(struct block *block, const struct told *told)
{
    expect_ok(journal_open(&journal, block, false));
    expect_that(journal.damaged, ==, 0);
    expect_that(journal.last, >=, told->number);
    if (told->number > 0 && journal.last - told->number < journal.starts_max) {
        const struct journal_start *start = journal_find(&journal, told->number);
        expect(start != NULL);
        expect_that(start->started_ns, ==, told->number * S_NS);
        expect_that(start->lived_ns, >=, told->lived_ns);
        expect(start->state >= told->state);
    }
    journal_close(&journal);
}

/* A disk of so few blocks that they are used again and again; the power goes at every request of a
 * whole run in turn, under many seeds. */
TEST(journal_survives_the_loss_of_power)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct block *block = open_memory(6, 512);
        struct told told = { 0 };
        expect_ok(block_faulty_open(&faulty, block, &(struct block_faulty_plan){ .seed = seed }));
        for (unsigned boot = 0; boot < 12; boot++) {
            faulty.plan.power_off_at = faulty.request_count + 1 + (seed + (uint64_t)7 * boot) % 17;
            live_until_off(&faulty.block, &told);
            block_faulty_power_off(&faulty);
            block_faulty_power_on(&faulty);
            faulty.plan.power_off_at = 0;
            expect_told(&faulty.block, &told);
        }
        expect_that(told.number, >, 3);
        block_faulty_close(&faulty);
        block_memory_close(&memory);
    }
}

/* Now and then a request fails; the journal that was told so is opened anew. */
TEST(journal_survives_failing_requests)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct block *block = open_memory(6, 512);
        struct told told = { 0 };
        expect_ok(block_faulty_open(&faulty, block, &(struct block_faulty_plan){ .seed = seed }));
        for (unsigned boot = 0; boot < 12; boot++) {
            faulty.plan.fail_per_million = 50000;
            live_until_off(&faulty.block, &told);
            faulty.plan.fail_per_million = 0;
            expect_told(&faulty.block, &told);
        }
        block_faulty_close(&faulty);
        block_memory_close(&memory);
    }
}
