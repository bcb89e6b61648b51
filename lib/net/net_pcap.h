/* net_pcap.h - a net that writes down what passes through another one: pcapng, for Wireshark.
 *
 * Times are of the wall clock, in nanoseconds. Frames are written down as they pass here: those
 * that a device would still have completed are shown with half a checksum, and those of many
 * segments whole, unless `completes_checksums` mends the checksum in what is written.
 *
 * Source: IETF draft-ietf-opsawg-pcapng: blocks of sections 4.1, 4.2 and 4.3.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_PCAP_H
#define LOOM_NET_PCAP_H

#include "net/net.h"

/* Where a capture goes: one call for each whole block, in order. It does not wait, and keeps
 * nothing of `bytes`. */
struct net_pcap_sink {
    void (*write)(struct net_pcap_sink *sink, struct view bytes);
};

struct net_pcap_options {
    struct view name;    /* of the interface, as the capture shows it; at most 64 bytes */
    uint32_t snap_bytes; /* of each frame at most; 0: all */
    bool completes_checksums;
};

struct net_pcap {
    struct net net;
    struct net *below;
    struct net_user user; /* of `below` */
    struct net_pcap_sink *sink;
    uint32_t snap_bytes;
    bool completes_checksums;
    struct span block; /* where one is put together */
    uint64_t frames;   /* written down */
};

/* Writes the head of the capture. The sink outlives the net. FULL: there is no memory for a block.
 */
enum result net_pcap_open(struct net_pcap *pcap, struct net *below, struct net_pcap_sink *sink,
                          const struct net_pcap_options *options) CHECKED;

/* It is detached. */
void net_pcap_close(struct net_pcap *pcap);

#endif
