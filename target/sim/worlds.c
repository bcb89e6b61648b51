/* worlds.c - a process a seed, as many at a time as there are processors.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/worlds.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/writer.h"
#include "target/sim/sim.h"
#include "target/sim/world_private.h"

#define JOBS_MAX 16

/* What is running: this process's world may give up at any depth. */
static const struct worlds *running;

struct job {
    pid_t process;
    uint64_t seed;
};

struct jobs {
    const struct worlds *worlds;
    struct job jobs[JOBS_MAX];
    size_t count, limit;
    uint64_t failed_seed; /* the lowest; 0: none yet */
};

static uint64_t environment_number(const char *name, uint64_t fallback)
{
    uint64_t number = fallback;
    const char *text = getenv(name);
    if (text != NULL && !view_to_u64(view_from_string(text), &number))
        panic("%s is no number: %s", name, text);
    return number;
}

static bool run_one(const struct worlds *worlds, uint64_t seed)
{
    struct world_parameters parameters = worlds->parameters;
    parameters.seed = seed;
    parameters.keeps_symbols = getenv("SIM_SEED") != NULL;
    running = worlds;
    struct world *world = world_open(&parameters);
    worlds->run(world);
    world_turned(world);
    bool holds = world_failure(world) == NULL;
    if (!holds || getenv("SIM_SEED") != NULL) world_report(world, worlds->name);
    world_close(world);
    return holds;
}

void world_give_up(struct world *world, const char *file, unsigned line, const char *condition)
{
    uint8_t room[LINE_BYTES_MAX] = { 0 };
    (void)format(span_first(SPAN_OF(room), sizeof room - 1), "%s:%u: expected %s", file, line,
                 condition);
    world_fail(world, (const char *)room);
    world_report(world, running == NULL ? "world" : running->name);
    _exit(1);
}

static void start_job(struct jobs *jobs, uint64_t seed)
{
    (void)fflush(NULL);
    pid_t process = fork();
    if (process < 0) panic("the host gives no process for a world");
    if (process == 0) _exit(run_one(jobs->worlds, seed) ? 0 : 1);
    jobs->jobs[jobs->count++] = (struct job){ process, seed };
}

/* Waits for any that this function started. */
static void end_job(struct jobs *jobs)
{
    int status;
    pid_t process = wait(&status);
    assert(process > 0);
    for (size_t i = 0; i < jobs->count; i++) {
        struct job job = jobs->jobs[i];
        if (job.process != process) continue;
        jobs->jobs[i] = jobs->jobs[--jobs->count];
        if (status != 0 && (jobs->failed_seed == 0 || job.seed < jobs->failed_seed))
            jobs->failed_seed = job.seed;
        return;
    }
}

bool worlds_run(const struct worlds *worlds)
{
    if (getenv("SIM_SEED") != NULL) return run_one(worlds, sim_seed());
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct jobs jobs = { .worlds = worlds, .limit = (size_t)MIN(MAX(processors, 1), JOBS_MAX) };
    uint64_t first = MAX(worlds->first, 1);
    uint64_t seeds = worlds->seeds > 1 ? environment_number("SIM_SEEDS", worlds->seeds) : 1;
    for (uint64_t i = 0; i < seeds && jobs.failed_seed == 0; i++) {
        start_job(&jobs, first + i);
        if (jobs.count == jobs.limit) end_job(&jobs);
    }
    while (jobs.count > 0)
        end_job(&jobs);
    if (jobs.failed_seed == 0) return true;
    (void)fprintf(stderr, "%s: alone: SIM_SEED=%llu, and this test's name behind the program's\n",
                  worlds->name, (unsigned long long)jobs.failed_seed);
    return false;
}
