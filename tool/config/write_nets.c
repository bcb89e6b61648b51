/* write_nets.c - nets.txt: what `loom run` has to know of what the host attaches to an image.
 *
 *     net PREFIX PREFIX NAME    a net that the host attaches something to: the prefix of its boot
 *                               parameters, that of the stack's over it, and its own name
 *     server PREFIX             an HTTP server over such a stack
 *     block PREFIX NAME         a disk, likewise
 *
 * `-` stands for no prefix. The manifest tells the same, to whoever reads JSON.
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

/* The net of ours that a stack stands on, or NULL. */
static const struct device *net_below(const struct device *stack)
{
    if (stack == NULL || strcmp(stack->module->name, "stack_direct") != 0) return NULL;
    const struct device *net = stack->needs[0]->device;
    bool is_attached = net != NULL && (strcmp(net->module->name, "net_host") == 0 ||
                                       strcmp(net->module->name, "net_virtio") == 0);
    return is_attached ? net : NULL;
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
        const struct device *device = graph.devices[i], *net = net_below(device);
        if (net != NULL)
            fprintf(output.file, "net %s %s %s\n", shown(device_prefix(net)),
                    shown(device_prefix(device)), net->name);
        if (is_disk(device))
            fprintf(output.file, "block %s %s\n", shown(device_prefix(device)), device->name);
        if (is_server(device)) fprintf(output.file, "server %s\n", shown(device_prefix(device)));
    }
    output_close(&output);
}
