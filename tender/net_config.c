/* net_config.c - writing a net's configuration.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/net_config.h"

#include "target/machine/virtqueue.h"

#define LINK_UP 1u

#define ALWAYS_OFFERED \
    (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU | \
     VIRTIO_NET_F_STATUS | VIRTIO_NET_F_MRG_RXBUF)

uint64_t net_config_present(struct device *device, struct machine_device *shared,
                            const struct net_config *config)
{
    struct virtio_net_config laid = { .status = LINK_UP,
                                      .queue_pairs_max = 1,
                                      .mtu_bytes = config->mtu_bytes };
    struct machine_device presented = {
        .kind = MACHINE_NET,
        .transport = MACHINE_SHARED,
        .queue_count = 2,
        .offered = ALWAYS_OFFERED | config->offloads,
    };
    (void)span_copy(SPAN_OF(laid.mac), VIEW_OF(config->mac));
    (void)span_copy(SPAN_OF(presented.config), VIEW_OF(laid));
    (void)span_copy(SPAN_OF(presented.name), config->name);
    device_present(device, shared, &presented);
    return presented.offered;
}

void net_config_set_link(struct machine_device *shared, bool is_up)
{
    uint16_t status = is_up ? LINK_UP : 0;
    struct span field = span_from_offset(SPAN_OF(shared->config),
                                         offsetof(struct virtio_net_config, status));
    (void)span_copy(field, VIEW_OF(status));
}
