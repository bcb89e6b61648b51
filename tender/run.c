/* run.c - the crossing loop. One thread: while the guest runs, nothing here does; when it crosses,
 * its queues are served, and when there is nothing to do for it, this sleeps in its place.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/run.h"

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <x86intrin.h>

#include "base/units.h"
#include "target/clock.h"
#include "tender/fail.h"

#define STATUS_SIGNALLED 128

/* How long the guest counts on by itself what the host's wall clock has told. */
#define WALL_AGAIN_NS S_NS

/* ---- the guest's clock ---- */

/* a * b / 2^32. The guest reads its clock by the same formula, so that both agree however exact
 * the rate is. */
static uint64_t scale(uint64_t a, uint64_t b)
{
    uint64_t high = a >> 32, low = a & UINT32_MAX;
    return high * b + low * (b >> 32) + (low * (b & UINT32_MAX) >> 32);
}

void run_set_clock(struct run *run)
{
    /* A million cycles a millisecond are 2^32 of the scale's. */
    run->tsc_scale = ((uint64_t)1000000 << 32) / vcpu_tsc_khz(run->vcpu);
    run->boot->wall_ns = clock_wall_ns();
    run->tsc_base = __rdtsc();
    run->boot->tsc_base = run->tsc_base;
    run->boot->tsc_scale = run->tsc_scale;
}

static uint64_t guest_now_ns(const struct run *run)
{
    return scale(__rdtsc() - run->tsc_base, run->tsc_scale);
}

/* The rate of the counter is known to some millionths only, and it does not see that the host's
 * clock is set: so the guest is told anew now and then. */
static void tell_wall_clock(struct run *run)
{
    uint64_t now_ns = guest_now_ns(run);
    if (now_ns - run->told_wall_ns < WALL_AGAIN_NS) return;
    run->told_wall_ns = now_ns;
    run->boot->wall_ns = clock_wall_ns() - now_ns;
}

/* ---- the start ---- */

/* The tables begin with every page touched: to be told apart is what is touched from here on. */
static void begin_main(struct run *run)
{
    run->boot->wants_main = 1;
    (void)guest_pages_take_touched(&run->pages);
}

/* Both are the guest's to write, and only shown. */
static void mark_main(const struct run *run)
{
    struct guest_pages_touched touched = guest_pages_take_touched(&run->pages);
    uint64_t ticks = run->boot->main_tsc - run->boot->first_tsc;
    times_mark_main(run->times, scale(ticks, run->tsc_scale), &touched);
}

/* ---- waiting ---- */

/* Also asked where something is there at once each time: that may be nothing for the guest, and
 * somebody may send it without end. */
static bool has_come(const struct run *run, uint64_t deadline_ns)
{
    return deadline_ns != UINT64_MAX && guest_now_ns(run) >= deadline_ns;
}

/* What is left until the deadline; NULL: there is none. */
static const struct timespec *time_left(const struct run *run, uint64_t deadline_ns,
                                        struct timespec *left)
{
    if (deadline_ns == UINT64_MAX) return NULL;
    uint64_t now_ns = guest_now_ns(run);
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    *left = (struct timespec){ .tv_sec = (time_t)(left_ns / S_NS),
                               .tv_nsec = (long)(left_ns % S_NS) };
    return left;
}

static int debugger_of_run(const struct run *run)
{
    return run->debugger == NULL ? -1 : debugger_descriptor(run->debugger);
}

/* False: the deadline has come. *is_called: a debugger wants something. */
static bool sleep_until(const struct run *run, uint64_t deadline_ns, bool *is_called)
{
    /* poll(2) passes over what is negative. */
    struct pollfd polls[MACHINE_DEVICES_MAX + 2] = {
        { .fd = run->stop->descriptor, .events = POLLIN },
        { .fd = debugger_of_run(run), .events = POLLIN }
    };
    const struct devices *devices = run->devices;
    struct timespec left;
    for (size_t i = 0; i < devices->count; i++)
        polls[2 + i] = (struct pollfd){ .fd = devices->list[i]->descriptor,
                                        .events = devices->list[i]->events };
    int count = ppoll(polls, 2 + devices->count, time_left(run, deadline_ns, &left), NULL);
    *is_called = polls[1].revents != 0;
    return count != 0;
}

/* Takes signals; false: the machine is to be ended at once. *is_new: it is asked for something that
 * it was not asked for before. */
static bool look_for_stop(struct run *run, bool *is_new)
{
    struct machine_control *control = &run->boot->control;
    const struct stop before = *run->stop;
    if (!stop_look(run->stop)) return false;
    bool is_to_stop = before.number == 0 && run->stop->number != 0;
    bool is_to_list = before.census_count != run->stop->census_count;
    if (is_to_stop) __atomic_store_n(&control->stop_requested, 1, __ATOMIC_RELEASE);
    if (is_to_list)
        __atomic_store_n(&control->census_requested, run->stop->census_count, __ATOMIC_RELEASE);
    *is_new = is_to_stop || is_to_list;
    return true;
}

/* False: the machine is to be ended at once. */
static bool serve_wait(struct run *run, uint64_t deadline_ns)
{
    bool is_asked = false, is_called = false;
    while (!devices_serve(run->devices) && deadline_ns != 0 && !is_asked && !is_called) {
        if (!sleep_until(run, deadline_ns, &is_called) || has_come(run, deadline_ns))
            deadline_ns = 0; /* one turn more */
        if (!look_for_stop(run, &is_asked)) return false;
    }
    return true;
}

/* ---- crossings ---- */

static int end_of_stop(const struct run *run)
{
    return STATUS_SIGNALLED + run->stop->last_number;
}

/* What is left of it, before it is gone. */
static void show_crash(const struct run *run, bool has_reported)
{
    if (run->core != NULL) core_write(run->core, run->vcpu, has_reported);
    if (run->debugger != NULL)
        debugger_show(run->debugger, has_reported ? GDB_SIGABRT : GDB_SIGSEGV);
}

static int broken(const struct run *run)
{
    uint8_t room[400];
    struct view words = vcpu_describe(run->vcpu, &run->image, SPAN_OF(room));
    if (run->debugger != NULL && debugger_has_killed(run->debugger))
        return STATUS_SIGNALLED + SIGKILL;
    tender_say("the machine has broken down: %.*s", VIEW_FORMAT(words));
    show_crash(run, false);
    return TENDER_CRASHED;
}

/* What the guest has left in its queues, in more than one turn where a ring is full. */
static void serve_last(struct run *run)
{
    for (int turn = 0; turn < 4 && devices_serve(run->devices); turn++) {
    }
}

/* True: the machine has ended with *status. */
static bool serve_crossing(struct run *run, int *status)
{
    volatile struct machine_control *control = &run->boot->control;
    uint32_t command = control->command;
    run->crossings++;
    switch (command) {
    case MACHINE_WAIT:
        if (serve_wait(run, control->deadline_ns)) {
            tell_wall_clock(run);
            return false;
        }
        *status = end_of_stop(run);
        return true;
    case MACHINE_EXIT:
        *status = control->status & 0xff;
        serve_last(run);
        return true;
    case MACHINE_CRASH:
        serve_last(run);
        show_crash(run, true);
        *status = TENDER_CRASHED;
        return true;
    case MACHINE_MAIN:
        if (run->times != NULL) mark_main(run);
        return false;
    case MACHINE_FAULT: control->fault_address = vcpu_fault_address(run->vcpu); return false;
    default:
        tender_say("the image has asked for something that there is not (%u)", command);
        *status = TENDER_CRASHED;
        return true;
    }
}

static enum vcpu_exit run_vcpu(const struct run *run)
{
    return run->debugger == NULL ? vcpu_run(run->vcpu) : debugger_run(run->debugger);
}

static int run_to_end(struct run *run)
{
    bool is_new;
    int status;
    for (;;) {
        switch (run_vcpu(run)) {
        case VCPU_CROSSED:
            if (serve_crossing(run, &status)) return status;
            break;
        case VCPU_INTERRUPTED:
            if (!look_for_stop(run, &is_new)) return end_of_stop(run);
            break;
        case VCPU_BROKEN: return broken(run);
        }
    }
}

int run_machine(struct run *run)
{
    if (run->times != NULL) begin_main(run);
    int status = run_to_end(run);
    if (run->debugger != NULL) debugger_end(run->debugger, status);
    return status;
}
