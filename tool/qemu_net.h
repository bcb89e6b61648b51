/* qemu_net.h - what QEMU attaches a machine's cards to.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_QEMU_NET_H
#define LOOM_TOOL_QEMU_NET_H

#include "net/net.h"
#include "network.h"
#include "qemu.h"

struct qemu_net {
    size_t number; /* "net0" */
    struct mac mac;
    bool has_headers;    /* of virtio, which tell of sums and segments that are left to others */
    const char *publish; /* ports */
};

/* Those that passt is started for, anew with each start. */
struct qemu {
    struct qemu_net nets[NETWORK_CARDS_MAX];
    size_t count;
};

struct qemu *qemu_make(void);

/* Adds what the card is attached to: to the line, or, over passt, to what is opened later. */
void qemu_net_add(struct qemu *qemu, struct command_line *line, const struct network_card *card,
                  const struct qemu_net *net);

#endif
