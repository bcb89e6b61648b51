/* gdb_packet.h - the frames in which a debugger and what it debugs talk: the Remote Serial Protocol
 * (GDB manual, appendix E.1).
 *
 *     $payload#cc     cc: the sum of the payload's bytes, modulo 256, in hexadecimal
 *     + or -          it has come whole, or it has not
 *     0x03            stop what runs
 *
 * A state machine over bytes; what it is fed may be anything.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_GDB_PACKET_H
#define LOOM_TENDER_GDB_PACKET_H

#include "base/view.h"
#include "base/writer.h"

#define GDB_PAYLOAD_MAX 4096 /* the debugger is told (PacketSize) and asks for no more */

/* A frame around the longest payload, and an acknowledgement before it. */
#define GDB_FRAME_MAX (GDB_PAYLOAD_MAX + 5)

enum gdb_event {
    GDB_NOTHING,   /* not whole yet, or an acknowledgement */
    GDB_PACKET,    /* `payload` holds it, until the next byte is fed */
    GDB_DAMAGED,   /* its sum is wrong, or it is too long: to be sent again */
    GDB_INTERRUPT, /* between two packets: stop */
};

enum gdb_reader_state { GDB_BETWEEN, GDB_PAYLOAD, GDB_SUM_HIGH, GDB_SUM_LOW };

struct gdb_reader {
    uint8_t room[GDB_PAYLOAD_MAX];
    size_t length_bytes;
    bool is_too_long;
    enum gdb_reader_state state;
    uint8_t sum, sum_high;
    bool is_damaged; /* a sum that is not in hexadecimal */
    struct view payload;
};

/* Zeroed, a reader is ready. */
enum gdb_event gdb_reader_feed(struct gdb_reader *reader, uint8_t byte);

/* Puts the frame around a payload that is text. */
void gdb_packet_write(struct writer *writer, struct view payload);

/* Bytes as a payload holds them that is not all text (E.1: binary data). */
void gdb_binary_write(struct writer *writer, struct view bytes);

/* Two digits a byte, as many as there are bytes of room. False: they are no such digits. */
bool gdb_hex_read(struct view digits, struct span bytes);

#endif
