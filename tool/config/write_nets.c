/* write_nets.c - nets.txt: the nets that the host attaches something to, for `loom run`.
 *
 * A line a net: the prefix of its boot parameters, and that of the stack's over it; `-` where there
 * is none. The manifest tells the same, to whoever reads JSON.
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

void write_nets(void)
{
    struct output output;
    output_open(&output, "nets.txt");
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *stack = graph.devices[i];
        if (strcmp(stack->module->name, "stack_direct") != 0) continue;
        const struct device *net = stack->needs[0]->device;
        if (net == NULL || strcmp(net->module->name, "net_host") != 0) continue;
        fprintf(output.file, "%s %s\n", shown(device_prefix(net)), shown(device_prefix(stack)));
    }
    output_close(&output);
}
