/* image.c - an image from its boot parameters to its exit status.
 *
 * SPDX-License-Identifier: ISC */
#include "image/image.h"

#include "base/units.h"
#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "image/build_id.h"
#include "image/image_metrics.h"
#include "target/arguments.h"
#include "target/console.h"
#include "target/metrics.h"

#define LOG_MODULE "image"
#include "log/log.h"

#define STATUS_FAILED        1
#define STATUS_BAD_PARAMETER 2

/* The devices' and the application's; `loom configure` makes no graph with more. */
#define DEVICE_GROUPS_MAX 129
#define OWN_GROUPS        4

struct image_parameters {
    bool census;
    bool version;
};

static const struct parameter image_parameters[] = {
    PARAMETER_FLAG(struct image_parameters, census, "census", "off",
                   "log every fiber, what it waits for and its deepest stack use when the image is "
                   "asked to end, and when it ends"),
    PARAMETER_FLAG(struct image_parameters, version, "version", "off",
                   "show the image's name and build, and end"),
    PARAMETER_END,
};

/* There is one image in an image. */
static struct run {
    struct parameter_group groups[DEVICE_GROUPS_MAX + OWN_GROUPS];
    size_t group_count;
    struct fiber_parameters fiber;
    struct log_parameters log;
    struct stop_parameters stop;
    struct image_parameters own;
    uint8_t message[PARAMETER_MESSAGE_MAX];
    struct image_metrics metrics;
    struct task first, census;
    enum result result;
    bool has_told; /* what went wrong */
} run;

/* ---- before the fibers ---- */

static void add_group(const struct parameter_group *group)
{
    assert_that(run.group_count, <, LENGTH_OF(run.groups));
    run.groups[run.group_count++] = *group;
}

static void add_own(const char *device, const struct parameter table[], struct span values)
{
    struct parameter_group group = {
        .device = device, .prefix = "", .table = table, .values = values
    };
    add_group(&group);
}

static void gather_groups(void)
{
    for (size_t i = 0; i < image.parameter_count; i++)
        add_group(&image.parameters[i]);
    add_own("fibers", fiber_parameters, SPAN_OF(run.fiber));
    add_own("log", log_parameters, SPAN_OF(run.log));
    add_own("stop", stop_parameters, SPAN_OF(run.stop));
    add_own("image", image_parameters, SPAN_OF(run.own));
}

static void put_help_line(struct parameter_sink *sink, struct view line)
{
    (void)sink;
    console_write(line);
}

static void write_help(void)
{
    struct parameter_sink sink = { .put = put_help_line };
    parameter_help(image.name, run.groups, run.group_count, &sink);
}

static void write_version(void)
{
    uint8_t room[128];
    struct writer line = writer_over(SPAN_OF(room));
    struct view build = build_id();
    writer_format(&line, "%s%s", image.name, view_is_empty(build) ? "" : " ");
    writer_put_hex_bytes(&line, build);
    writer_put(&line, VIEW("\n"));
    console_write(writer_view(&line));
}

static int refuse(struct view message)
{
    uint8_t room[PARAMETER_MESSAGE_MAX + 64];
    console_write_diagnostic(format(SPAN_OF(room), "%s: %.*s\n", image.name, VIEW_FORMAT(message)));
    return STATUS_BAD_PARAMETER;
}

/* Whether the image is to run; otherwise *status is what to end with. */
static bool read_parameters(int *status)
{
    size_t argument_count, message_bytes;
    const struct view *arguments = target_arguments(&argument_count);
    enum result result = parameter_read(run.groups, run.group_count, arguments, argument_count,
                                        SPAN_OF(run.message), &message_bytes);
    *status = 0;
    if (result == NOT_FOUND) {
        write_help();
        return false;
    }
    if (result != OK) {
        *status = refuse(view_from(run.message, message_bytes));
        return false;
    }
    if (run.own.version) {
        write_version();
        return false;
    }
    const char *message;
    result = log_open(&run.log, &message);
    if (result != OK) *status = refuse(view_from_string(message));
    return result == OK;
}

/* ---- on the fibers ---- */

/* At the moment when the image is asked to end everything is still in flight: that is the census
 * worth reading. */
COLD static void census_run(struct task *task)
{
    (void)task;
    if (stop_wait(NEVER) == OK) fiber_census_write();
}

struct fiber_counter {
    struct fiber_visitor visitor;
    size_t count;
};

static void count_fiber(struct fiber_visitor *visitor, const struct fiber_census *fiber)
{
    (void)fiber;
    CONTAINER_OF(visitor, struct fiber_counter, visitor)->count++;
}

static size_t fibers_alive(void)
{
    struct fiber_counter counter = { .visitor.visit = count_fiber };
    fiber_visit(&counter.visitor);
    return counter.count;
}

/* Everything that the image started should have been closed by whoever opened it. */
COLD static void look_back(void)
{
    size_t left = fibers_alive() - 1; /* this one */
    if (left > 0)
        log_warning("fibers are left: %zu; a scope was not closed by who opened it", left);
    if (left > 0 || run.own.census) fiber_census_write();
}

COLD static void first_run(struct task *task)
{
    (void)task;
    struct scope scope;
    scope_open(&scope, "census");
    run.census.run = census_run;
    if (run.own.census && fiber_start(&scope, &run.census, "census", STACK_MEDIUM) != OK)
        log_warning("no fiber is free to write the census when the image is asked to end");
    target_metrics_begin();
    run.result = image_start();
    scope_close(&scope);
    if (run.result != OK && !run.has_told)
        log_error("%s ended with the result: %s", image.name, result_text(run.result));
    look_back();
}

enum result image_failed(const char *device, enum result result)
{
    log_error("%s could not be opened: %s", device, result_text(result));
    run.has_told = true;
    return result;
}

static int run_fibers(void)
{
    if (fiber_open(&run.fiber) != OK) {
        log_error("the stacks of the fibers could not be laid out; fewer of them need less: "
                  "--fibers-small, --fibers-medium, --fibers-large");
        return STATUS_FAILED;
    }
    stop_open(&run.stop);
    log_follow_loop();
    image_metrics_open(&run.metrics);
    target_metrics_register();
    run.first.run = first_run;
    fiber_run(&run.first, "main");
    image_metrics_close(&run.metrics);
    log_close();
    stop_close();
    if (fibers_alive() == 0) fiber_close(); /* the stack of a fiber that is left is in use */
    return run.result == OK ? 0 : STATUS_FAILED;
}

int image_run(void)
{
    int status;
    gather_groups();
    return read_parameters(&status) ? run_fibers() : status;
}
