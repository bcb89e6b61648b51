/* pcapng.h - the blocks of a capture, for Wireshark. Times are of the wall clock, in nanoseconds.
 *
 * Each block is put together whole in the room that is given, which may lie anywhere:
 *
 *     type | length | ... | frame, padded to 4 | options | length
 *
 * Numbers are in the machine's order, as the section's head says. No value is left out for want of
 * room: the caller gives PCAPNG_AROUND_BYTES, and for a frame as much more as is kept of it.
 *
 * Source: IETF draft-ietf-opsawg-pcapng: blocks of sections 4.1, 4.2 and 4.3.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PCAPNG_H
#define LOOM_PCAPNG_H

#include "base/writer.h"

#define PCAPNG_AROUND_BYTES   128 /* of a block without its frame */
#define PCAPNG_NAME_BYTES_MAX 64

enum pcapng_link { PCAPNG_ETHERNET = 1, PCAPNG_RAW = 101 };
enum pcapng_direction { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

/* The first block. */
struct view pcapng_section(struct span room);

/* The second: the interface of all frames. At most `snap_bytes` of each are kept. */
struct view pcapng_interface(struct span room, enum pcapng_link link, uint32_t snap_bytes,
                             struct view name);

/* A frame: the caller puts `kept_bytes` of it behind what `begin` has put, then ends it. */
struct writer pcapng_frame_begin(struct span room, uint64_t time_ns, size_t kept_bytes,
                                 size_t total_bytes);
struct view pcapng_frame_end(struct writer *writer, enum pcapng_direction direction);

#endif
