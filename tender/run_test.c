/* run_test.c - the crossing loop over a processor that does what the test says, in the place of
 * KVM's (vcpu.c).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/run.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "target/clock.h"
#include "test/test.h"

/* ---- a processor ---- */

/* Each crossing is one of these, in turn; then the machine ends with status 7. */
static struct script {
    uint64_t deadlines_ns[4];
    size_t count, next;
} script;

static struct machine_boot boot;

enum vcpu_exit vcpu_run(struct vcpu *vcpu)
{
    (void)vcpu;
    boot.control.command = script.next < script.count ? MACHINE_WAIT : MACHINE_EXIT;
    boot.control.status = 7;
    if (script.next < script.count) boot.control.deadline_ns = script.deadlines_ns[script.next++];
    return VCPU_CROSSED;
}

uint64_t vcpu_tsc_khz(const struct vcpu *vcpu)
{
    (void)vcpu;
    return 2000000;
}

uint64_t vcpu_fault_address(const struct vcpu *vcpu)
{
    (void)vcpu;
    return 0;
}

struct view vcpu_describe(const struct vcpu *vcpu, const struct machine_range *image,
                          struct span room)
{
    (void)vcpu, (void)image, (void)room;
    return VIEW("");
}

/* ---- a device to whose descriptor somebody sends without end what is nothing for the guest ----
 */

#define SERVED_MAX 100000000u

static uint64_t served;

static bool start(struct device *device, const struct guest_memory *memory,
                  const struct machine_device *said)
{
    (void)device, (void)memory, (void)said;
    return true;
}

static bool serve(struct device *device, const struct guest_memory *memory)
{
    (void)device, (void)memory;
    return ++served == SERVED_MAX; /* so that a test that fails ends */
}

static void nothing(struct device *device)
{
    (void)device;
}

static const struct device_ops flooded_ops = {
    .start = start, .serve = serve, .stop = nothing, .close = nothing
};

static struct machine_device shared = { .status = MACHINE_DEVICE_READY };

/* ---- tests ---- */

static struct stop stop = { .descriptor = -1 };
static struct devices devices;
static struct vcpu vcpu;
static struct run run;

static void open_run(void)
{
    stop = (struct stop){ .descriptor = -1 };
    devices = (struct devices){ .count = 0 };
    boot = (struct machine_boot){ .magic = MACHINE_MAGIC };
    run = (struct run){ .vcpu = &vcpu, .devices = &devices, .stop = &stop, .boot = &boot };
    served = 0;
    run_set_clock(&run);
}

TEST(run_ends_with_what_the_image_says)
{
    open_run();
    script = (struct script){ .count = 0 };
    expect_that(run_machine(&run), ==, 7);
}

TEST(run_sleeps_until_the_deadline)
{
    open_run();
    script = (struct script){ .deadlines_ns = { 30 * MS_NS }, .count = 1 };
    uint64_t before_ns = clock_monotonic_ns();
    expect_that(run_machine(&run), ==, 7);
    expect_that(clock_monotonic_ns() - before_ns, <, 10 * S_NS);
}

/* Whoever sends frames that are none must not stop the guest's timers. */
TEST(run_keeps_a_deadline_under_a_flood_of_nothing)
{
    int ends[2];
    struct device flooded = { .ops = &flooded_ops, .shared = &shared, .events = POLLIN };
    expect(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "x", 1) == 1);
    open_run();
    flooded.descriptor = ends[0];
    devices.list[devices.count++] = &flooded;
    script = (struct script){ .deadlines_ns = { 30 * MS_NS }, .count = 1 };
    expect_that(run_machine(&run), ==, 7);
    expect_that(served, <, SERVED_MAX);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* The host's clock is set while the machine runs: the machine learns of it. */
TEST(run_corrects_the_wall_clock)
{
    open_run();
    boot.wall_ns = 0;
    run.told_wall_ns = (uint64_t)0 - 2 * S_NS;
    script = (struct script){ .deadlines_ns = { 0, 0 }, .count = 2 };
    expect_that(run_machine(&run), ==, 7);
    uint64_t started_ns = clock_wall_ns() - 60 * S_NS;
    expect_that(boot.wall_ns, >, started_ns);
    expect_that(boot.wall_ns, <, started_ns + 120 * S_NS);
    boot.wall_ns = 1;
    script.next = 0; /* and not at each crossing */
    expect_that(run_machine(&run), ==, 7);
    expect_that(boot.wall_ns, ==, 1);
}
