/* net_config.h - what a net tells of itself: its features and its configuration (virtio 1.2, 5.1.3
 * and 5.1.4).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_NET_CONFIG_H
#define LOOM_TENDER_NET_CONFIG_H

#include "net/net.h"
#include "tender/device.h"

struct net_config {
    struct view name; /* of at most MACHINE_DEVICE_NAME_MAX bytes */
    struct mac mac;
    uint16_t mtu_bytes;
    uint64_t offloads; /* feature bits */
};

/* Writes it into the boot page, with the link up, and gives what is offered. */
uint64_t net_config_present(struct device *device, struct machine_device *shared,
                            const struct net_config *config);

/* Tells the guest of the link, when it looks. */
void net_config_set_link(struct machine_device *shared, bool is_up);

#endif
