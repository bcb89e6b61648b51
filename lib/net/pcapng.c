/* pcapng.c - puts blocks of a capture together.
 *
 * SPDX-License-Identifier: ISC */
#include "net/pcapng.h"

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_FRAME     6u
#define BYTE_ORDER      0x1a2b3c4du
#define OPTION_END      0
#define OPTION_PROGRAM  4 /* shb_userappl */
#define OPTION_NAME     2 /* if_name */
#define OPTION_UNIT     9 /* if_tsresol */
#define OPTION_FLAGS    2 /* epb_flags */

static struct writer block_begin(struct span room, uint32_t type)
{
    struct writer writer = writer_over(room);
    writer_put_u32_le(&writer, type);
    writer_put_u32_le(&writer, 0);
    return writer;
}

static struct view block_end(struct writer *writer)
{
    uint32_t length_bytes = (uint32_t)writer->length_bytes + 4;
    writer_put_u32_le(writer, length_bytes);
    assert(!writer->ran_short);
    (void)span_copy(span_from_offset(writer->room, 4), VIEW_OF(length_bytes));
    return writer_view(writer);
}

static void pad(struct writer *writer)
{
    while (writer->length_bytes % 4 != 0)
        writer_put_u8(writer, 0);
}

static void put_option(struct writer *writer, uint16_t code, struct view value)
{
    writer_put_u16_le(writer, code);
    writer_put_u16_le(writer, (uint16_t)value.length_bytes);
    writer_put(writer, value);
    pad(writer);
}

struct view pcapng_section(struct span room)
{
    struct writer writer = block_begin(room, BLOCK_SECTION);
    writer_put_u32_le(&writer, BYTE_ORDER);
    writer_put_u16_le(&writer, 1);
    writer_put_u16_le(&writer, 0);
    writer_put_u64_le(&writer, UINT64_MAX); /* its length is not known */
    put_option(&writer, OPTION_PROGRAM, VIEW("Loom"));
    put_option(&writer, OPTION_END, VIEW(""));
    return block_end(&writer);
}

struct view pcapng_interface(struct span room, enum pcapng_link link, uint32_t snap_bytes,
                             struct view name)
{
    const uint8_t nanoseconds = 9;
    struct writer writer = block_begin(room, BLOCK_INTERFACE);
    assert_that(name.length_bytes, <=, PCAPNG_NAME_BYTES_MAX);
    writer_put_u16_le(&writer, (uint16_t)link);
    writer_put_u16_le(&writer, 0);
    writer_put_u32_le(&writer, snap_bytes);
    if (!view_is_empty(name)) put_option(&writer, OPTION_NAME, name);
    put_option(&writer, OPTION_UNIT, VIEW_OF(nanoseconds));
    put_option(&writer, OPTION_END, VIEW(""));
    return block_end(&writer);
}

struct writer pcapng_frame_begin(struct span room, uint64_t time_ns, size_t kept_bytes,
                                 size_t total_bytes)
{
    struct writer writer = block_begin(room, BLOCK_FRAME);
    writer_put_u32_le(&writer, 0); /* of the only interface */
    writer_put_u32_le(&writer, (uint32_t)(time_ns >> 32));
    writer_put_u32_le(&writer, (uint32_t)time_ns);
    writer_put_u32_le(&writer, (uint32_t)kept_bytes);
    writer_put_u32_le(&writer, (uint32_t)total_bytes);
    return writer;
}

struct view pcapng_frame_end(struct writer *writer, enum pcapng_direction direction)
{
    const uint32_t flags = direction;
    pad(writer);
    put_option(writer, OPTION_FLAGS, VIEW_OF(flags));
    put_option(writer, OPTION_END, VIEW(""));
    return block_end(writer);
}
