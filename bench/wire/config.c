/* config.c - a bad wire between two nets of the host: what the loss sweep sends Linux and us
 * through.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "run.h"

/* From Loom's tree, because the wire is made of a double of lib/net that images do not have. */
static const struct module wire_faulty = {
    .name = "wire_faulty",
    .signature = "wire",
    .header = "bench/wire/line/wire.h",
    .words = "a bad wire between two nets",
    .home = MODULE_OF_HOUSE,
    .sources = { "bench/wire/line/wire.c", "lib/net/net_faulty*.c" },
    .needs = { "net" },
    .has_parameters = true,
};

unikernel(wire)
{
    struct net *left = named("left", default_net());
    struct net *right = named("right", default_net());

    start(wire_run, device_at(HERE, &wire_faulty, DEVICES(left, right)));
}
