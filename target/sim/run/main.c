/* main.c - `loom run -t sim`: a small world with copies of one image, and what happens in it as it
 * happens, with its virtual time.
 *
 *     NAME-run IMAGE NAME SEED DURATION NODES NETWORK URL [BOOT PARAMETERS]
 *
 * DURATION is in nanoseconds of virtual time. With NETWORK 1 each node gets an address
 * of 10.0.0.0/24 unless the boot parameters give one. A URL that is not empty is fetched and shown,
 * and the nodes are asked to end then. Ends when all nodes have ended; when the time is over they
 * are asked to. The exit status is that of the last node to end with another than 0, and 1 when one
 * has panicked.
 *
 * SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "target/clock.h"
#include "target/hosted/crash.h"
#include "target/hosted/process.h"
#include "target/sim/run/visitor.h"
#include "target/sim/world.h"

#define FIXED_ARGUMENTS 8
#define NODES_MAX       16
#define STOP_NS         (11 * S_NS) /* an image ends within ten seconds of being asked to */

static struct run {
    struct task task;
    struct world_listener listener;
    struct world_parameters parameters;
    const char *image, *name;
    uint64_t duration_ns, node_count;
    bool has_network;
    const char *url;
    char *const *arguments;
    size_t argument_count;
    char names[NODES_MAX][WORLD_NAME_MAX], addresses[NODES_MAX][32];
    struct node *nodes[NODES_MAX];
    struct resolver_static_row rows[NODES_MAX];
    int status;
} run;

/* ---- the nodes ---- */

static bool has_address(void)
{
    for (size_t i = 0; i < run.argument_count; i++) {
        if (strncmp(run.arguments[i], "--ipv4", strlen("--ipv4")) == 0) return true;
    }
    return false;
}

static void add_node(struct world *world, size_t index)
{
    struct node_parameters parameters = { .image = run.image, .may_fail = true };
    size_t count = 0;
    const char *words = run.node_count == 1 ? "%s" : "%s-%zu";
    (void)snprintf(run.names[index], sizeof run.names[index], words, run.name, index + 1);
    parameters.name = run.names[index];
    for (size_t i = 0; i < run.argument_count; i++)
        parameters.arguments[count++] = run.arguments[i];
    if (run.has_network && !has_address()) {
        (void)snprintf(run.addresses[index], sizeof run.addresses[index], "--ipv4=10.0.0.%zu/24",
                       index + 1);
        parameters.arguments[count++] = run.addresses[index];
    }
    run.rows[index] = (struct resolver_static_row){
        .name = view_from_string(run.names[index]),
        .address = address_ipv4(10, 0, 0, (uint8_t)(index + 1)),
    };
    run.nodes[index] = world_add_node(world, &parameters);
}

struct all_ended {
    struct world_condition condition;
};

static bool all_have_ended(struct world_condition *condition)
{
    (void)condition;
    for (size_t i = 0; i < run.node_count; i++) {
        if (node_state(run.nodes[i]) == NODE_RUNS) return false;
    }
    return true;
}

static void look_at_ends(void)
{
    for (size_t i = 0; i < run.node_count; i++) {
        if (node_state(run.nodes[i]) == NODE_PANICKED) run.status = 1;
        if (node_state(run.nodes[i]) == NODE_ENDED && node_status(run.nodes[i]) != 0)
            run.status = node_status(run.nodes[i]);
    }
}

/* ---- the world ---- */

static void live(struct task *task)
{
    static const struct stop_parameters stop = { 10 * S_NS };
    struct world_condition ended = { all_have_ended };
    (void)task;
    stop_open(&stop);
    struct world *world = world_open(&run.parameters);
    for (size_t i = 0; i < run.node_count; i++)
        add_node(world, i);
    for (size_t i = 0; i < run.node_count; i++)
        node_start(run.nodes[i]);
    bool goes_on;
    if (run.url[0] != '\0') {
        uint64_t deadline_ns = deadline_after(clock_monotonic_ns(), run.duration_ns);
        if (!visitor_fetch(world, run.rows, run.node_count, run.url, deadline_ns)) run.status = 1;
        goes_on = true;
    } else {
        goes_on = world_wait(world, &ended, run.duration_ns) == TIMED_OUT;
        if (goes_on) world_note(world, "the time is over");
    }
    if (goes_on) {
        for (size_t i = 0; i < run.node_count; i++)
            node_stop(run.nodes[i]);
        if (world_wait(world, &ended, STOP_NS) == TIMED_OUT)
            world_note(world, "not all have ended when they were asked to");
    }
    look_at_ends();
    if (world_failure(world) != NULL) run.status = 1;
    world_close(world);
    stop_close();
}

static void print_event(struct world_listener *listener, const struct world_event *event)
{
    (void)listener;
    printf("%6llu.%06llu  %-12s %.*s\n", (unsigned long long)(event->at_ns / S_NS),
           (unsigned long long)(event->at_ns % S_NS / US_NS), event->source,
           VIEW_FORMAT(event->words));
    (void)fflush(stdout);
}

/* The command writes them; it has looked at what the user wrote. */
static uint64_t number_of(const char *text)
{
    uint64_t number;
    if (view_to_u64(view_from_string(text), &number)) return number;
    (void)fprintf(stderr, "%s is no number\n", text);
    exit(2);
}

int main(int count, char *words[])
{
    static const struct fiber_parameters fibers = { 64, 8, 1 };
    if (count < FIXED_ARGUMENTS || count > FIXED_ARGUMENTS + NODE_ARGUMENTS_MAX - 1) {
        (void)fprintf(stderr, "it is run by `loom run -t sim`, with at most %d boot parameters\n",
                      NODE_ARGUMENTS_MAX - 1);
        return 2;
    }
    run = (struct run){ .task = { live },
                        .listener = { print_event },
                        .image = words[1],
                        .name = words[2],
                        .parameters = { .seed = number_of(words[3]),
                                        .keeps_symbols = true,
                                        .listener = &run.listener },
                        .duration_ns = number_of(words[4]),
                        .node_count = number_of(words[5]),
                        .has_network = number_of(words[6]) != 0,
                        .url = words[7],
                        .arguments = words + FIXED_ARGUMENTS,
                        .argument_count = (size_t)(count - FIXED_ARGUMENTS) };
    if (run.node_count == 0 || run.node_count > NODES_MAX) {
        (void)fprintf(stderr, "--nodes: 1 to %d\n", NODES_MAX);
        return 2;
    }
    crash_handlers_install();
    if (process_open() != OK || fiber_open(&fibers) != OK) return 1;
    fiber_run(&run.task, "world");
    fiber_close();
    process_close();
    return run.status;
}
