/* gdb_packet.c - frames of the Remote Serial Protocol.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/gdb_packet.h"

#define ESCAPE      0x7d /* `}`: the byte behind it is XORed with ESCAPE_XOR */
#define ESCAPE_XOR  0x20
#define INTERRUPTED 0x03

/* 16: it is none. */
static uint8_t digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') return (uint8_t)(digit - '0');
    if (digit >= 'a' && digit <= 'f') return (uint8_t)(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F') return (uint8_t)(digit - 'A' + 10);
    return 16;
}

static void begin(struct gdb_reader *reader)
{
    reader->state = GDB_PAYLOAD;
    reader->length_bytes = 0;
    reader->sum = 0;
    reader->is_too_long = reader->is_damaged = false;
}

static void take(struct gdb_reader *reader, uint8_t byte)
{
    reader->sum = (uint8_t)((reader->sum + byte) & 0xff);
    if (reader->length_bytes == sizeof reader->room) {
        reader->is_too_long = true;
        return;
    }
    reader->room[reader->length_bytes++] = byte;
}

static uint8_t digit_take(struct gdb_reader *reader, uint8_t digit)
{
    uint8_t value = digit_value(digit);
    reader->is_damaged |= value > 15;
    return value & 15;
}

static enum gdb_event end(struct gdb_reader *reader, uint8_t low)
{
    reader->state = GDB_BETWEEN;
    bool is_whole = reader->sum == (uint8_t)(reader->sum_high << 4 | low);
    if (!is_whole || reader->is_damaged || reader->is_too_long) return GDB_DAMAGED;
    reader->payload = view_from(reader->room, reader->length_bytes);
    return GDB_PACKET;
}

enum gdb_event gdb_reader_feed(struct gdb_reader *reader, uint8_t byte)
{
    switch (reader->state) {
    case GDB_BETWEEN:
        if (byte == '$') begin(reader);
        return byte == INTERRUPTED ? GDB_INTERRUPT : GDB_NOTHING;
    case GDB_PAYLOAD:
        /* A `$` within one: the end of the former was lost. */
        if (byte == '$') {
            begin(reader);
        } else if (byte == '#') {
            reader->state = GDB_SUM_HIGH;
        } else {
            take(reader, byte);
        }
        return GDB_NOTHING;
    case GDB_SUM_HIGH:
        reader->sum_high = digit_take(reader, byte);
        reader->state = GDB_SUM_LOW;
        return GDB_NOTHING;
    case GDB_SUM_LOW: return end(reader, digit_take(reader, byte));
    }
    return GDB_NOTHING;
}

void gdb_packet_write(struct writer *writer, struct view payload)
{
    unsigned sum = 0;
    for (size_t i = 0; i < payload.length_bytes; i++)
        sum += view_byte(payload, i);
    writer_put_u8(writer, '$');
    writer_put(writer, payload);
    writer_put_u8(writer, '#');
    writer_put_hex(writer, sum & 0xff, 2);
}

void gdb_binary_write(struct writer *writer, struct view bytes)
{
    for (size_t i = 0; i < bytes.length_bytes; i++) {
        uint8_t byte = view_byte(bytes, i);
        if (byte == '#' || byte == '$' || byte == '*' || byte == ESCAPE) {
            writer_put_u8(writer, ESCAPE);
            byte ^= ESCAPE_XOR;
        }
        writer_put_u8(writer, byte);
    }
}

bool gdb_hex_read(struct view digits, struct span bytes)
{
    if (digits.length_bytes != 2 * bytes.length_bytes) return false;
    for (size_t i = 0; i < bytes.length_bytes; i++) {
        uint8_t high = digit_value(view_byte(digits, 2 * i));
        uint8_t low = digit_value(view_byte(digits, 2 * i + 1));
        if (high > 15 || low > 15) return false;
        bytes.bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
