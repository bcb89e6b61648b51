/* net_capture_file.h - a file of the host that a capture goes to.
 *
 * Blocks are gathered and written in large pieces: when the buffer is full, a second after its
 * first block came, and at the end. A write that fails (a full disk, a reader of a FIFO that is
 * gone or slow) ends the capture with one line in the log, never the image; of a file what stays is
 * whole blocks.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_CAPTURE_FILE_H
#define LOOM_NET_CAPTURE_FILE_H

#include "fiber/fiber.h"
#include "net/net_pcap.h"

struct net_capture_file {
    struct net_pcap_sink sink;
    int descriptor;
    bool is_stopped;
    struct span buffer;
    size_t used_bytes;
    uint64_t written_bytes; /* whole blocks, in the file */
    struct alarm alarm;
};

/* Creates the file, or empties it; only its owner may read it. FAILED: it cannot be opened, as the
 * log tells. FULL: there is no memory. */
enum result net_capture_file_open(struct net_capture_file *file, struct view path) CHECKED;

/* Writes what is left. The net_pcap above it is closed. */
void net_capture_file_close(struct net_capture_file *file);

#endif
