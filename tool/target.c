/* target.c - the targets there are.
 *
 * SPDX-License-Identifier: ISC */
#include "target.h"

#include <string.h>

const struct target targets[] = {
    {
        .name = "unix",
        .words = "a process of this machine, over the host's sockets and files",
        .sources = { "target/hosted/*.c", "target/hosted/*.S", "target/unix/*.c",
                     "target/unix/*.S" },
        .without = { "stack_*", "tcp_*", "udp_*", "kv_*", "resolver_*", "flow_*", "net_*",
                     "block_*", "crew*" },
        .libraries = "",
    },
    {
        .name = "sim",
        .words = "a node of a simulated network, in virtual time and under a seed",
        .sources = { "target/sim/node/*.c" },
        .without = { "net_sim*", "block_sim*" },
        .libraries = "",
        .exports = "target/sim/node/node.map",
        .runner = "target/sim/run",
        .runner_sources = { "target/sim/*.c", "target/hosted/*.c" },
    },
    {
        .name = "vm",
        .words = "a machine of its own, without any other operating system",
        .sources = { "target/vm/*.c", "target/vm/*.S", "target/vm/libc/*.c", "target/vm/libc/*.S",
                     "target/virtio/*.c" },
        .without = { "net_*", "block_*" },
        .of_pvh = { "virtio_mmio*", "virtio_pci*" },
        .libraries = "-lgcc",
        .is_machine = true,
    },
    { .name = NULL },
};

const struct target *target_find(const char *name)
{
    for (const struct target *target = targets; target->name != NULL; target++) {
        if (strcmp(target->name, name) == 0) return target;
    }
    return NULL;
}
