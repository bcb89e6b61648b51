/* disk.c - keeps a number of requests under way: each that is told is submitted again for another
 * place, in order or at random, without a fiber of its own.
 *
 * SPDX-License-Identifier: ISC */
#include "disk.h"

#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber.h"
#include "target/clock.h"
#include "target/console.h"
#include "target/memory.h"

#define DEPTH_MAX 256

const struct parameter disk_parameters[] = {
    PARAMETER_BYTES(struct disk_parameters, transfer_bytes, "transfer", "4KiB", 4096,
                    BLOCK_REQUEST_BYTES_MAX, "what one request reads or writes"),
    PARAMETER_NUMBER(struct disk_parameters, depth, "depth", "32", 1, DEPTH_MAX,
                     "requests under way at once"),
    PARAMETER_DURATION(struct disk_parameters, duration_ns, "duration", "2s", "for how long"),
    PARAMETER_FLAG(struct disk_parameters, write, "write", "off", "write instead of reading"),
    PARAMETER_FLAG(struct disk_parameters, random, "random", "off", "anywhere instead of in order"),
    PARAMETER_END,
};

struct load {
    struct block *block;
    const struct disk_parameters *parameters;
    uint64_t place_count, next_place; /* of a transfer each */
    uint64_t end_ns;
    uint64_t done_count;
    size_t under_way_count;
    enum result result; /* the first that was not OK */
    struct waiters ended;
    struct disk_job {
        struct block_request request;
        union block_part part;
        struct load *load;
    } jobs[DEPTH_MAX];
};

/* Too large for a stack, and there is one. */
static struct load load;

/* At random: the places of a full-period generator (Knuth, TAOCP 2, 3.2.1.2), of which the upper
 * bits are taken. */
static uint64_t place_next(struct load *at)
{
    if (!at->parameters->random) return at->next_place++ % at->place_count;
    at->next_place = at->next_place * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (at->next_place >> 32) % at->place_count;
}

static void job_submit(struct disk_job *job)
{
    struct load *at = job->load;
    job->request.first_block = place_next(at) *
                               (at->parameters->transfer_bytes / at->block->block_bytes);
    enum result result = block_submit(at->block, &job->request);
    if (result == OK) return;
    at->result = result;
    at->under_way_count--;
}

static void job_done(struct block_request *request)
{
    struct disk_job *job = CONTAINER_OF(request, struct disk_job, request);
    struct load *at = job->load;
    if (request->result != OK) at->result = request->result;
    at->done_count += request->result == OK;
    if (at->result == OK && clock_monotonic_ns() < at->end_ns)
        job_submit(job);
    else
        at->under_way_count--;
    if (at->under_way_count == 0) waiters_wake_all(&at->ended);
}

static void jobs_begin(struct load *at, struct span memory)
{
    const struct disk_parameters *asked = at->parameters;
    at->under_way_count = (size_t)asked->depth;
    for (size_t i = 0; i < asked->depth; i++) {
        struct disk_job *job = &at->jobs[i];
        struct span bytes = span_first(span_from_offset(memory, i * asked->transfer_bytes),
                                       asked->transfer_bytes);
        job->load = at;
        if (asked->write)
            job->part.from = span_view(bytes);
        else
            job->part.into = bytes;
        job->request = (struct block_request){ .kind = asked->write ? BLOCK_WRITE : BLOCK_READ,
                                               .parts = &job->part,
                                               .part_count = 1,
                                               .done = job_done };
        job_submit(job);
    }
}

static void tell(const char *name, uint64_t value)
{
    uint8_t line[64];
    console_write(format(SPAN_OF(line), "%s %llu\n", name, (unsigned long long)value));
}

/* The device lets go of no request that has begun, so that they are all waited for. */
static enum result load_run(struct span memory)
{
    uint64_t begin_ns = clock_monotonic_ns();
    enum result result = OK;
    load.end_ns = deadline_after(begin_ns, load.parameters->duration_ns);
    waiters_init(&load.ended);
    jobs_begin(&load, memory);
    while (load.under_way_count > 0 && result == OK)
        result = waiters_wait_shielded(&load.ended, "disk", NEVER);
    tell("requests", load.done_count);
    tell("bytes", load.done_count * load.parameters->transfer_bytes);
    tell("ns", clock_monotonic_ns() - begin_ns);
    return result == OK ? load.result : result;
}

enum result disk_start(struct block *block, const struct disk_parameters *parameters)
{
    struct span memory;
    uint64_t place_count = block_size_bytes(block) / parameters->transfer_bytes;
    if (place_count == 0 || parameters->transfer_bytes % block->block_bytes != 0) return INVALID;
    enum result result = memory_take(parameters->depth * parameters->transfer_bytes, &memory);
    if (result != OK) return result;
    load.block = block;
    load.parameters = parameters;
    load.place_count = place_count;
    result = load_run(memory);
    memory_give_back(memory);
    return result;
}
