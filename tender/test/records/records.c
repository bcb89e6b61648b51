/* records.c - what is said here must be on the disk, whatever happens next.
 *
 * SPDX-License-Identifier: ISC */
#include "records.h"

#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "target/console.h"
#include "target/memory.h"

#define WRITERS 4

const struct parameter records_parameters[] = {
    PARAMETER_NUMBER(struct records_parameters, first, "first", "1", 1, UINT32_MAX,
                     "the first record's number"),
    PARAMETER_NUMBER(struct records_parameters, count, "count", "4000000000", 1, UINT32_MAX,
                     "how many records are written"),
    PARAMETER_FLAG(struct records_parameters, flushes, "flushes", "on",
                   "flush before a record is said to be there"),
    PARAMETER_END,
};

static struct records {
    struct block *block;
    const struct records_parameters *parameters;
    uint64_t next, end;
    enum result result; /* the first that was not OK */
    struct records_writer {
        struct task task;
        struct span room;
    } writers[WRITERS];
} records;

static void fill(struct span room, uint64_t number)
{
    struct writer writer = writer_over(room);
    while (writer_left(&writer) >= sizeof number)
        writer_put_u64_le(&writer, number);
}

static void say(uint64_t number)
{
    uint8_t line[32];
    console_write(format(SPAN_OF(line), "%llu\n", (unsigned long long)number));
}

static enum result write_one(struct records_writer *writer, uint64_t number)
{
    struct block *block = records.block;
    fill(writer->room, number);
    enum result result = block_write(block, number % block->block_count, span_view(writer->room),
                                     NEVER);
    if (result == OK && records.parameters->flushes) result = block_flush(block, NEVER);
    if (result == OK) say(number);
    return result;
}

static void write_records(struct task *task)
{
    struct records_writer *writer = CONTAINER_OF(task, struct records_writer, task);
    while (records.result == OK && records.next < records.end && !stop_is_requested()) {
        enum result result = write_one(writer, records.next++);
        if (result != OK) records.result = result;
    }
}

enum result records_start(struct block *block, const struct records_parameters *parameters)
{
    struct span memory;
    struct scope scope;
    enum result result = memory_take(WRITERS * (size_t)block->block_bytes, &memory);
    if (result != OK) return result;
    records = (struct records){ .block = block,
                                .parameters = parameters,
                                .next = parameters->first,
                                .end = parameters->first + parameters->count };
    scope_open(&scope, "records");
    for (size_t i = 0; i < WRITERS && result == OK; i++) {
        struct records_writer *writer = &records.writers[i];
        writer->room = span_first(span_from_offset(memory, i * block->block_bytes),
                                  block->block_bytes);
        writer->task.run = write_records;
        result = fiber_start(&scope, &writer->task, "writer", STACK_SMALL);
    }
    if (result == OK) result = scope_wait(&scope, NEVER);
    scope_close(&scope);
    memory_give_back(memory);
    return result == OK ? records.result : result;
}
