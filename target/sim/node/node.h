/* node.h - what the files linked into a node share.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_NODE_H
#define LOOM_SIM_NODE_H

#include "target/sim/node/host.h"

/* Set before the image runs. */
extern struct sim_host *sim_host;

/* Tells the users of the nets whose cards are ready. In the loop, after each wait. */
void net_sim_poll(void);

#endif
