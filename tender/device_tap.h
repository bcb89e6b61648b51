/* device_tap.h - a net whose frames go through a tap of the host, or through a socket that carries
 * a frame each datagram.
 *
 *     guest's buffers   <-- readv, writev -->   tap      long frames: where they lie
 *     guest's buffers   <--  scratch      -->   tap      those of the common MTU: one copy costs
 *                                                        the host less than a second place
 *
 * The host does checksums and segmentation both ways, as far as the guest wants it: the header of
 * virtio (5.1.6.1) is the tap's own. What a guest puts there is copied and checked before the host
 * sees it.
 *
 * A frame that the host refuses is lost, as on any wire. When the tap goes away the link is down;
 * and as long as its interface is down, from the first frame on that is lost by that. Of a socket's
 * interface no more is told than that frames are lost.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEVICE_TAP_H
#define LOOM_TENDER_DEVICE_TAP_H

#include "base/result.h"
#include "net/net.h"
#include "target/unix/net_tap_interface.h"
#include "tender/net_rings.h"

struct device_tap {
    struct device device;
    int number;          /* the descriptor */
    size_t header_bytes; /* before each frame there: of a virtio_net_header, or 0 */
    bool is_interface;   /* a tap, which is told what the guest can take */
    bool has_no_end;     /* a socket of datagrams: one of no bytes does not say that it is over */
    bool is_gone;        /* nothing comes or goes any more */
    bool told_down;
    bool awaits_room;     /* the host has no room for what the guest sends */
    bool in_place;        /* long frames come: they are read where they are to lie */
    unsigned short_count; /* frames in a row that were not long */
    size_t kept_bytes;    /* of a frame in `scratch` for which the guest has no room yet; 0: none */
    uint64_t offered;
    struct net_rings rings;
    struct iovec sending[1 + QUEUE_PARTS_MAX];
    uint8_t scratch[NET_HEADER_FRAME_MAX + 1]; /* one more tells of a frame that is too long */
    uint8_t joined[2048];                      /* a short frame on its way out */
};

struct device_tap_options {
    struct view name; /* the device's */
    struct mac mac;
    uint16_t mtu_bytes; /* 0: the interface's own */
};

/* Over an open tap, which belongs to the device from now on, also where this fails. UNSUPPORTED:
 * a tun. */
enum result device_tap_open(struct device_tap *tap, struct machine_device *shared,
                            const struct net_tap_interface *interface,
                            const struct device_tap_options *options) CHECKED;

/* The same over a socket; `has_header`: the other side puts the header of virtio before each frame,
 * as a tap does. */
void device_tap_open_socket(struct device_tap *tap, struct machine_device *shared, int descriptor,
                            bool has_header, const struct device_tap_options *options);

#endif
