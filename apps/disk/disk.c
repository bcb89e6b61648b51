/* disk.c - tells what the disk remembers, and has it remember more.
 *
 * SPDX-License-Identifier: ISC */
#include "disk.h"

#include "base/calendar.h"
#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "journal.h"
#include "target/clock.h"
#include "target/console.h"
#include "target/memory.h"

#define LOG_MODULE "disk"
#include "log/log.h"

#define STARTS_TOLD 5

const struct parameter disk_parameters[] = {
    PARAMETER_DURATION(struct disk_parameters, beat_ns, "beat", "1s",
                       "how often the disk is told that the image is still alive"),
    PARAMETER_FLAG(struct disk_parameters, format, "format", "off",
                   "forget whatever the disk holds"),
    PARAMETER_END,
};

/* ---- on the console ---- */

__attribute__((format(printf, 1, 2))) static void say(const char *words, ...)
{
    uint8_t room[160];
    struct writer line = writer_over(SPAN_OF(room));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&line, words, arguments);
    __builtin_va_end(arguments);
    writer_put(&line, VIEW("\n"));
    console_write(writer_view(&line));
}

static void say_start(const struct journal_start *start)
{
    struct calendar date = calendar_from_ns(start->started_ns);
    uint64_t lived_ms = start->lived_ns / MS_NS;
    say("start %llu: %04u-%02u-%02u %02u:%02u:%02u UTC, %s after %s%llu.%03u s",
        (unsigned long long)start->number, date.year, date.month, date.day, date.hour, date.minute,
        date.second, start->state == JOURNAL_ENDED ? "ended" : "cut off",
        start->state == JOURNAL_ENDED ? "" : "at least ", (unsigned long long)(lived_ms / 1000),
        (unsigned)(lived_ms % 1000));
}

static void say_memories(const struct journal *journal)
{
    const struct block *block = journal->block;
    uint64_t first = journal->last > STARTS_TOLD ? journal->last - STARTS_TOLD + 1 : 1;
    say("a disk of %llu blocks of %u bytes", (unsigned long long)block->block_count,
        block->block_bytes);
    if (journal->last == 0) say("it remembers nothing");
    if (journal->damaged > 0) say("%u blocks are damaged", journal->damaged);
    for (uint64_t number = first; number <= journal->last; number++) {
        const struct journal_start *start = journal_find(journal, number);
        if (start != NULL) say_start(start);
    }
}

/* ---- living ---- */

/* Notes at every beat that it still lives, until it is to end. */
static enum result live(struct journal *journal, uint64_t beat_ns)
{
    uint64_t start_ns = clock_monotonic_ns(), next_ns = start_ns;
    enum result result = OK;
    while (result == OK) {
        next_ns = deadline_after(next_ns, beat_ns);
        enum result waited = stop_wait(next_ns);
        if (waited != TIMED_OUT) break;
        result = journal_note(journal, clock_monotonic_ns() - start_ns, JOURNAL_ALIVE);
    }
    if (result == OK)
        result = journal_note(journal, clock_monotonic_ns() - start_ns, JOURNAL_ENDED);
    return result;
}

static enum result refused(const struct block *block, enum result result)
{
    if (result == EXISTS)
        log_error("the disk holds something else: say --format if it may be forgotten");
    if (result == TOO_LARGE)
        log_error("the disk has %zu blocks; %u are the least", (size_t)block->block_count,
                  2 * JOURNAL_STARTS_MIN);
    return result;
}

enum result disk_start(struct block *block, const struct disk_parameters *parameters)
{
    struct span memory;
    enum result result = memory_take(sizeof(struct journal), &memory);
    if (result != OK) return result;
    struct journal *journal = (void *)memory.bytes;
    result = journal_open(journal, block, parameters->format);
    if (result == OK) {
        say_memories(journal);
        result = journal_begin(journal, clock_wall_ns());
        if (result == OK) say("this is start %llu", (unsigned long long)journal->last);
        if (result == OK) result = live(journal, MAX(parameters->beat_ns, MS_NS));
        journal_close(journal);
    }
    memory_give_back(memory);
    return refused(block, result);
}
