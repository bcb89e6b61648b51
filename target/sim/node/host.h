/* host.h - what the simulator gives to a node: two small tables of functions, and nothing else.
 *
 * A node is an image built as a shared object, of which the simulator loads a copy for every node
 * and every boot. Simulator and image are built from one tree, so they share the layout of what
 * passes between them; but no symbol of the one is ever resolved to the other: the image hides
 * all of its own (node.map) but the two below, and reaches the simulator through these tables.
 *
 * Every call is made on the node's own stacks, some of which are small, so what takes a while the
 * simulator does when the node waits. From `wait`, `exit` and `broken` other nodes run; from any
 * call the node may never come back, if it is to crash there.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_NODE_HOST_H
#define LOOM_SIM_NODE_HOST_H

#include "net/net.h"

/* Counted up when anything below, or struct packet, changes. */
#define SIM_NODE_VERSION 1

/* ---- a network card ---- */

struct sim_nic {
    const struct sim_nic_ops *ops;
    struct mac mac;
    uint8_t offloads; /* enum net_offload, or-ed */
    uint16_t mtu_bytes;
};

struct sim_nic_ops {
    /* Copies the frame into the ring of what is to go out, which it does when the node waits.
     * False: the ring is full. */
    bool (*send)(struct sim_nic *nic, const struct packet *frame);

    /* The frame that came first of those not yet dropped; NULL: none has. It is the simulator's. */
    const struct packet *(*peek)(struct sim_nic *nic);
    void (*drop)(struct sim_nic *nic);

    /* Whether frames wait, or (told once) the ring that was full has room again. */
    bool (*is_ready)(struct sim_nic *nic);
};

/* ---- the world ---- */

struct sim_host {
    const struct sim_host_ops *ops;
};

struct sim_host_ops {
    /* target/clock.h, with the node's own skew. */
    uint64_t (*monotonic_ns)(struct sim_host *host);
    uint64_t (*wall_ns)(struct sim_host *host);

    /* Sleeps until the node's clock has come to the deadline, a card is ready, or a stop is wanted.
     * Called in the node's loop alone. */
    void (*wait)(struct sim_host *host, uint64_t deadline_ns);

    /* Whether the node is asked to end, as by SIGTERM; told once. */
    bool (*stop_is_wanted)(struct sim_host *host);

    void (*entropy)(struct sim_host *host, struct span room);
    void (*console)(struct sim_host *host, bool diagnostic, struct view text);
    const struct view *(*arguments)(struct sim_host *host, size_t *count);

    enum result (*memory_take)(struct sim_host *host, size_t length_bytes, struct span *memory);
    enum result (*stacks_take)(struct sim_host *host, size_t count, size_t stack_bytes,
                               struct span *arena);
    void (*memory_give_back)(struct sim_host *host, struct span memory);

    /* The card of this number; NULL: the node has not so many. */
    struct sim_nic *(*nic)(struct sim_host *host, unsigned number);

    /* These do not return. */
    void (*exit)(struct sim_host *host, int status);
    void (*broken)(struct sim_host *host, struct view report, struct view fiber,
                   const uintptr_t *backtrace, size_t count);
};

/* ---- what an image exports ---- */

/* Runs the image to its end and gives its exit status. */
int sim_node_run(struct sim_host *host);

extern const uint32_t sim_node_version;

#endif
