/* ambient.c - the ambient services of an image that is a node in a simulated world: each asks the
 * simulator.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "base/units.h"
#include "fiber/stop.h"
#include "image/image.h"
#include "target/arguments.h"
#include "target/clock.h"
#include "target/console.h"
#include "target/entropy.h"
#include "target/memory.h"
#include "target/metrics.h"
#include "target/sim/node/host.h"
#include "target/sim/node/node.h"
#include "target/stack.h"
#include "target/wait.h"

#define EXPORTED __attribute__((visibility("default")))

struct sim_host *sim_host;

static struct list devices;

EXPORTED const uint32_t sim_node_version = SIM_NODE_VERSION;

EXPORTED int sim_node_run(struct sim_host *host)
{
    sim_host = host;
    list_init(&devices);
    return image_run();
}

uint64_t clock_monotonic_ns(void)
{
    return sim_host->ops->monotonic_ns(sim_host);
}

uint64_t clock_wall_ns(void)
{
    return sim_host->ops->wall_ns(sim_host);
}

void node_device_add(struct node_device *device)
{
    list_append(&devices, &device->node);
}

void node_device_remove(struct node_device *device)
{
    list_remove(&device->node);
}

void target_wait(uint64_t deadline_ns)
{
    sim_host->ops->wait(sim_host, deadline_ns);
    if (sim_host->ops->stop_is_wanted(sim_host)) stop_request();
    list_for_each (node, &devices) {
        struct node_device *device = CONTAINER_OF(node, struct node_device, node);
        device->poll(device);
    }
}

void entropy_fill(struct span room)
{
    sim_host->ops->entropy(sim_host, room);
}

void console_write(struct view text)
{
    sim_host->ops->console(sim_host, false, text);
}

void console_write_diagnostic(struct view text)
{
    sim_host->ops->console(sim_host, true, text);
}

/* Nothing is ever typed. */
enum result console_read(struct span room, size_t *length_bytes, uint64_t deadline_ns)
{
    (void)room, (void)deadline_ns;
    *length_bytes = 0;
    return CLOSED;
}

const struct view *target_arguments(size_t *count)
{
    return sim_host->ops->arguments(sim_host, count);
}

enum result memory_take(size_t length_bytes, struct span *memory)
{
    assert(length_bytes > 0);
    return sim_host->ops->memory_take(sim_host, length_bytes, memory);
}

uint64_t memory_machine_bytes(void)
{
    return UINT64_MAX;
}

void memory_give_back(struct span memory)
{
    if (memory.length_bytes > 0) sim_host->ops->memory_give_back(sim_host, memory);
}

enum result stack_arena_take(size_t *count, size_t stack_bytes, struct span *arena)
{
    return sim_host->ops->stacks_take(sim_host, *count, stack_bytes, arena);
}

void stack_arena_give_back(struct span arena)
{
    memory_give_back(arena);
}

/* The host's figures would differ from run to run. */
void target_metrics_register(void)
{
}

void target_metrics_begin(void)
{
}
