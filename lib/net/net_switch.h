/* net_switch.h - a learning Ethernet switch inside the process: each port is a net.
 *
 * A frame is copied into the switch's own buffers when it is sent, so that no port holds another's
 * packets: a port may be detached, or what stands on it crash, at any moment. It goes to the port
 * where its destination was last heard, otherwise to all others, and never back to where it came
 * from (IEEE 802.1D 7.7, 7.8). There is no spanning tree: do not build loops of switches.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_SWITCH_H
#define LOOM_NET_SWITCH_H

#include "fiber/fiber.h"
#include "net/net.h"

#define NET_SWITCH_AGE_NS (300 * S_NS) /* IEEE 802.1D's default */

struct net_switch_options {
    size_t port_count;
    size_t packet_count;  /* buffers of 2 KiB for what is under way, at least 16; a frame that finds
                             none is dropped */
    size_t queue_count;   /* frames that wait at a port, a power of two; one that finds it full is
                             dropped */
    size_t address_count; /* addresses remembered, a power of two, at least 8; a new one takes the
                             place of the one heard longest ago among the eight it may have */
    uint64_t age_ns;      /* an address not heard for so long is forgotten; 0: NET_SWITCH_AGE_NS */
    uint16_t mtu_bytes;
    bool offloads; /* frames pass from port to port with their checksum and segmentation marks, as
                      on a host's bridge; false: the ports have no offloads */
};

struct net_switch_statistics {
    uint64_t forwarded_frames, flooded_frames;
    uint64_t queue_full_frames, no_buffer_frames;
    uint64_t malformed_frames; /* shorter than an Ethernet header, or from a group's address */
};

struct net_switch;

struct net_switch_port {
    struct net net;
    struct net_switch *owner;
    uint16_t index;
    struct packet **slots;
    size_t put, taken; /* ever */
    struct alarm alarm;
};

struct net_switch_address {
    struct mac mac;
    uint16_t port;
    uint64_t heard_ns; /* 0: nothing stands here */
};

struct net_switch {
    struct net_switch_options options;
    struct net_switch_port *ports;
    struct net_switch_address *addresses;
    struct packet_pool pool;
    struct span memory;
    struct net_switch_statistics statistics;
};

/* FULL: there is not so much memory. */
enum result net_switch_open(struct net_switch *net_switch,
                            const struct net_switch_options *options) CHECKED;

/* All ports are detached. */
void net_switch_close(struct net_switch *net_switch);

/* The net at a port, numbered from 0; its MAC address is made of the number, and may be changed
 * before it is attached. */
struct net *net_switch_port(struct net_switch *net_switch, size_t index);

#endif
