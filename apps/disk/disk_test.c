/* disk_test.c - what disk tells, read from the console as somebody would who runs it again and
 * again.
 *
 * SPDX-License-Identifier: ISC */
#include "disk.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/units.h"
#include "block/block_memory.h"
#include "fiber/stop.h"
#include "test/test.h"

static struct block_memory memory;

/* Runs the image's entry on a fiber of its own, so that it can be told to end, or cut off. */
struct runner {
    struct task task;
    struct scope scope;
    bool format;
    enum result result;
};

static void runner_run(struct task *task)
{
    struct runner *runner = CONTAINER_OF(task, struct runner, task);
    const struct disk_parameters parameters = { .beat_ns = 5 * MS_NS, .format = runner->format };
    runner->result = disk_start(&memory.block, &parameters);
}

static uint8_t room[4096];

/* Runs it for a moment, and gives what it says. Cut off: it never gets to note its end. */
static struct view run(struct runner *runner, bool is_cut_off)
{
    int ends[2];
    expect(pipe(ends) == 0);
    int output = dup(STDOUT_FILENO);
    expect(dup2(ends[1], STDOUT_FILENO) >= 0);
    runner->task.run = runner_run;
    scope_open(&runner->scope, "runner");
    enum result result = fiber_start(&runner->scope, &runner->task, "disk", STACK_MEDIUM);
    (void)fiber_sleep(30 * MS_NS);
    if (!is_cut_off) stop_request();
    if (!is_cut_off && result == OK) result = scope_wait(&runner->scope, NEVER);
    scope_close(&runner->scope);
    expect(dup2(output, STDOUT_FILENO) >= 0);
    close(output);
    close(ends[1]);
    expect_ok(result);
    ssize_t length = read(ends[0], room, sizeof room);
    close(ends[0]);
    return view_from(room, length > 0 ? (size_t)length : 0);
}

static bool said(struct view text, struct view part)
{
    return view_find(text, part) < text.length_bytes;
}

TEST(parameters_are_valid)
{
    expect(parameter_defaults_are_valid(disk_parameters));
}

/* Only the last may end by a stop: that is the whole program's. */
TEST(a_disk_remembers_what_ran_over_it)
{
    const struct block_memory_parameters parameters = { .size_bytes = 64 * KIB,
                                                        .block_bytes = 512 };
    struct runner runner = { .format = false };
    expect_ok(block_memory_open(&memory, &parameters));
    memory.memory.bytes[0] = 1;
    struct view text = run(&runner, true);
    expect_result(runner.result, EXISTS);
    expect(!said(text, VIEW("this is start")));

    runner.format = true;
    text = run(&runner, true);
    expect(said(text, VIEW("a disk of 128 blocks of 512 bytes\nit remembers nothing\n")));
    expect(said(text, VIEW("this is start 1\n")));

    runner.format = false;
    text = run(&runner, true);
    expect(said(text, VIEW("start 1: 20")) && said(text, VIEW("cut off after at least 0.0")));
    expect(!said(text, VIEW("it remembers nothing")));
    expect(said(text, VIEW("this is start 2\n")));

    text = run(&runner, false);
    expect_ok(runner.result);
    expect(said(text, VIEW("this is start 3\n")));

    text = run(&runner, false);
    expect(said(text, VIEW("start 3: 20")) && said(text, VIEW("UTC, ended after 0.0")));
    block_memory_close(&memory);
}
