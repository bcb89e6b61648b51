/* net_tap.h - a net that is a tap or a tun of the host, or any descriptor that carries one frame a
 * read.
 *
 * Each frame is one system call. With a virtio_net_hdr before it (virtio 1.2, 5.1.6.1) the host
 * does checksums and segmentation both ways, up to 64 KiB a frame. Long frames are read where they
 * stay, and written from where they lie:
 *
 *     readv -> | posted[0]: headroom, header | frame | posted[1] | ... | scratch |
 *
 * Buffers that a frame did not need stay posted for the next one. Frames of the common MTU pass
 * through `scratch`, each way: one copy of them costs the host less than a second place to read
 * into or to write from. As long as they are what comes, no buffer is posted. Where nothing longer
 * can come there is one slot, and each frame is read into that.
 *
 * Where the pool has no buffer, a frame is taken from the host and counted as lost
 * (receive_no_buffer), so that the host does not tell of it for ever. What lies behind the last
 * buffer tells of a frame that is too long.
 *
 * The other side is not trusted: of a header only what fits its frame is believed.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_TAP_H
#define LOOM_NET_TAP_H

#include <sys/uio.h>

#include "net/net.h"
#include "target/unix/net_descriptor.h"
#include "target/unix/net_tap_interface.h"

/* A frame of PACKET_TOTAL_MAX: the first buffer leaves the headroom free, the others nothing. */
#define NET_TAP_SLOTS \
    (1 + (PACKET_TOTAL_MAX - PACKET_PAYLOAD_MAX + PACKET_ROOM_BYTES - 1) / PACKET_ROOM_BYTES)

/* A frame to be sent in more parts is refused. One that was received and goes on fits. */
#define NET_TAP_PARTS (PACKET_FRAGMENTS_MAX + NET_TAP_SLOTS + 2)

/* As virtio 1.2 5.1.6.1 lays it out, without the count of merged buffers; little-endian. */
struct net_tap_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
};
static_assert(sizeof(struct net_tap_header) == 10, "the host's virtio_net_hdr");

struct net_tap {
    struct net net;
    struct net_descriptor descriptor;
    size_t header_bytes; /* before each frame: of a net_tap_header, or 0 */
    size_t slot_count;   /* so that the longest frame to be expected fits */
    struct packet *posted[NET_TAP_SLOTS];
    struct iovec receiving[NET_TAP_SLOTS + 1];
    bool in_place;        /* a frame is read into its slots, not into scratch */
    unsigned short_count; /* frames in a row that were not long */
    struct view parts[1 + NET_TAP_PARTS];
    struct iovec sending[1 + NET_TAP_PARTS];
    struct net_tap_header sent; /* where it has no place before the frame */
    unsigned alone_count;       /* times in a row that one frame came and no other behind it */
    bool comes_in_bursts;
    bool was_detached;
    bool told_down;   /* that the interface is down */
    uint8_t name[16]; /* of the interface, for the log; ends in NUL */
    uint8_t scratch[PACKET_TOTAL_MAX + PACKET_ROOM_BYTES - PACKET_PAYLOAD_MAX];
};

/* What is not taken from the host; zeroed: all is. */
struct net_tap_options {
    struct mac mac; /* zero: made of the interface's and the host's names, so that it stays */
    uint16_t mtu_bytes;
};

/* Opens the interface `name`, which must exist. INVALID, NOT_FOUND, DENIED, EXISTS (somebody has
 * it), UNSUPPORTED (it is another kind), or FAILED; the log says what to do. */
enum result net_tap_open(struct net_tap *tap, struct view name,
                         const struct net_tap_options *options) CHECKED;

/* The same with a descriptor that whoever started the image has opened: a tap or a tun (with
 * IFF_NO_PI; with IFF_VNET_HDR for the offloads), or a socket that carries an Ethernet frame each
 * datagram. It belongs to the net from now on, also where this fails. UNSUPPORTED: it is nothing of
 * the kind. */
enum result net_tap_open_descriptor(struct net_tap *tap, int descriptor,
                                    const struct net_tap_options *options) CHECKED;

/* The same when it is known what the descriptor carries. */
struct net_tap_shape {
    enum net_link link;
    uint8_t offloads;
    bool has_header; /* a net_tap_header before each frame: needed for any offload */
    uint16_t mtu_bytes;
    struct mac mac;
};
void net_tap_init(struct net_tap *tap, int descriptor, const struct net_tap_shape *shape);

void net_tap_close(struct net_tap *tap);

/* ---- within net_tap ---- */

/* Believes what the header says of the frame that came behind it; false: it is not true. */
bool net_tap_header_read(const struct net_tap_header *header, struct packet *packet,
                         size_t frame_bytes);

/* What the header has to say of a frame to be sent. */
struct net_tap_header net_tap_header_of(const struct packet *packet);

#endif
