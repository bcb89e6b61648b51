/* tick_test.c - what tick tells, read from the console as somebody would who runs it.
 *
 * Against the real clock, so nothing here depends on how many ticks there were.
 *
 * SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <unistd.h>

#include "base/view.h"
#include "fiber/stop.h"
#include "target/clock.h"
#include "test/test.h"
#include "tick.h"

/* Room for all that is said in a test: a pipe holds as much without a reader. */
struct listening {
    int ends[2];
    int output;
    uint8_t room[16 * KIB];
};

static void listening_begin(struct listening *listening)
{
    expect(pipe(listening->ends) == 0);
    listening->output = dup(STDOUT_FILENO);
    expect(dup2(listening->ends[1], STDOUT_FILENO) >= 0);
}

static struct view listening_end(struct listening *listening)
{
    expect(dup2(listening->output, STDOUT_FILENO) >= 0);
    close(listening->output);
    close(listening->ends[1]);
    ssize_t length = read(listening->ends[0], listening->room, sizeof listening->room);
    close(listening->ends[0]);
    return view_from(listening->room, length > 0 ? (size_t)length : 0);
}

static bool said(struct view text, struct view part)
{
    return view_find(text, part) < text.length_bytes;
}

static void expect_full_stacks(size_t before)
{
    expect_that(fiber_stacks_free(STACK_SMALL), ==, before);
}

static struct listening listening;

TEST(parameters_are_valid)
{
    expect(parameter_defaults_are_valid(tick_parameters));
}

TEST(tickers_tick_are_cancelled_and_end)
{
    size_t stacks = fiber_stacks_free(STACK_SMALL);
    listening_begin(&listening);
    enum result result = tick_start(&(struct tick_parameters){ 5 * MS_NS, 200 * MS_NS });
    struct view text = listening_end(&listening);

    expect_ok(result);
    expect(said(text, VIEW("quick  tick 1\n")));
    expect(said(text, VIEW("steady tick 1\n")));
    expect(said(text, VIEW("slow   tick 1\n")));
    expect(said(text, VIEW("time is up: the scope is closed\n")));
    expect(said(text, VIEW("slow   has ended: ")));
    expect_full_stacks(stacks);
}

TEST(the_cancelled_one_is_silent_from_then_on)
{
    listening_begin(&listening);
    enum result result = tick_start(&(struct tick_parameters){ 5 * MS_NS, 200 * MS_NS });
    struct view text = listening_end(&listening);

    expect_ok(result);
    struct view behind = view_from_offset(text, view_find(text, VIEW("half-time")));
    expect(!view_is_empty(behind));
    expect(said(behind, VIEW("steady tick ")));
    expect(!said(behind, VIEW("quick  tick ")));
}

struct stopper {
    struct task task;
};

static void stopper_run(struct task *task)
{
    (void)task;
    (void)fiber_sleep(20 * MS_NS);
    stop_request();
}

TEST(a_stop_ends_it_early)
{
    struct scope scope;
    struct stopper stopper = { { stopper_run } };
    uint64_t start_ns = clock_monotonic_ns();
    scope_open(&scope, "stopper");
    expect_ok(fiber_start(&scope, &stopper.task, "stopper", STACK_SMALL));

    listening_begin(&listening);
    enum result result = tick_start(&(struct tick_parameters){ 5 * MS_NS, 3600 * S_NS });
    struct view text = listening_end(&listening);
    scope_close(&scope);

    expect_ok(result);
    expect(said(text, VIEW("a stop is requested: the scope is closed\n")));
    expect_that(clock_monotonic_ns() - start_ns, <, 60 * S_NS);
}
