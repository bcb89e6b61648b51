/* net_sim.h - a node's network card: frames are copied to and from the simulator.
 *
 * It has every offload, since on the way to the wire the simulator does what a device would.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_SIM_H
#define LOOM_NET_SIM_H

#include "net/net.h"
#include "parameter/parameter.h"
#include "target/sim/node/node.h"

struct net_sim_parameters {
    uint64_t card; /* its number, counted from 0 in the order that the node was given its wires */
};
extern const struct parameter net_sim_parameters[];

struct net_sim {
    struct net net;
    struct sim_nic *nic;
    struct node_device device;
};

/* NOT_FOUND: the node has no such card; the log says so. */
enum result net_sim_open(struct net_sim *net_sim,
                         const struct net_sim_parameters *parameters) CHECKED;

/* It is detached. */
void net_sim_close(struct net_sim *net_sim);

#endif
