/* node.h - what the files linked into a node share.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_NODE_H
#define LOOM_SIM_NODE_H

#include "base/list.h"
#include "target/sim/node/host.h"

/* Set before the image runs. */
extern struct sim_host *sim_host;

/* What is looked at whenever the node has waited. */
struct node_device {
    struct list_node node;
    void (*poll)(struct node_device *device);
};

void node_device_add(struct node_device *device);
void node_device_remove(struct node_device *device);

#endif
