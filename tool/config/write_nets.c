/* write_nets.c - nets.txt: what `loom run` has to know of what the host attaches to an image.
 *
 *     net PREFIX PREFIX NAME    a net that the host attaches something to: the prefix of its boot
 *                               parameters, that of the stack's over it, and its own name
 *     server PREFIX             an HTTP server over such a stack
 *     block PREFIX NAME         a disk, likewise
 *
 * `-` stands for no prefix, `.` for that of no stack. They are in the manifest's order, which tells
 * the same to whoever reads JSON: some monitors know devices by that order alone.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"
#include "config/output.h"

static const char *shown(const char *prefix)
{
    return prefix[0] == '\0' ? "-" : prefix;
}

static bool is_attached(const struct device *net)
{
    return strcmp(net->module->name, "net_host") == 0 ||
           strcmp(net->module->name, "net_virtio") == 0;
}

/* The net of ours that a stack stands on, or NULL. */
static const struct device *net_below(const struct device *stack)
{
    if (stack == NULL || strcmp(stack->module->name, "stack_direct") != 0) return NULL;
    const struct device *net = stack->needs[0]->device;
    return net != NULL && is_attached(net) ? net : NULL;
}

static const struct device *stack_over(const struct device *net)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        if (net_below(graph.devices[i]) == net) return graph.devices[i];
    }
    return NULL;
}

static bool is_server(const struct device *device)
{
    return strcmp(device->module->name, "http_server") == 0 &&
           net_below(device->needs[0]->device) != NULL;
}

static bool is_disk(const struct device *device)
{
    return strcmp(device->module->name, "block_file") == 0 ||
           strcmp(device->module->name, "block_virtio") == 0;
}

void write_nets(void)
{
    struct output output;
    output_open(&output, "nets.txt");
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i], *stack = stack_over(device);
        if (is_attached(device))
            fprintf(output.file, "net %s %s %s\n", shown(device_prefix(device)),
                    stack != NULL ? shown(device_prefix(stack)) : ".", device->name);
        if (is_disk(device))
            fprintf(output.file, "block %s %s\n", shown(device_prefix(device)), device->name);
        if (is_server(device)) fprintf(output.file, "server %s\n", shown(device_prefix(device)));
    }
    output_close(&output);
}
