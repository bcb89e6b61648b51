/* gdb_packet_test.c - frames of the Remote Serial Protocol (GDB manual, E.1 and E.5).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/gdb_packet.h"

#include "test/test.h"

static struct gdb_reader reader;

/* What the last byte of it leads to. */
static enum gdb_event feed(struct view bytes)
{
    enum gdb_event event = GDB_NOTHING;
    for (size_t i = 0; i < bytes.length_bytes; i++)
        event = gdb_reader_feed(&reader, view_byte(bytes, i));
    return event;
}

static void reset(void)
{
    reader = (struct gdb_reader){ 0 };
}

TEST(gdb_packet_is_read_with_its_sum)
{
    reset();
    expect_that(feed(VIEW("$m0,4#fd")), ==, GDB_PACKET);
    expect_view(reader.payload, VIEW("m0,4"));
    expect_that(feed(VIEW("$#00")), ==, GDB_PACKET);
    expect(view_is_empty(reader.payload));
    expect_that(feed(VIEW("+-+$g#67")), ==, GDB_PACKET);
    expect_view(reader.payload, VIEW("g"));
}

TEST(gdb_packet_that_is_damaged_is_told)
{
    reset();
    expect_that(feed(VIEW("$m0,4#fe")), ==, GDB_DAMAGED);
    expect_that(feed(VIEW("$g#zz")), ==, GDB_DAMAGED);
    /* Digits that are none count as nothing, and yet are damage. */
    expect_that(feed(VIEW("$#zz")), ==, GDB_DAMAGED);
    expect_that(feed(VIEW("$m0$g#67")), ==, GDB_PACKET);
    expect_view(reader.payload, VIEW("g"));
}

TEST(gdb_interrupt_is_one_between_packets_only)
{
    reset();
    expect_that(feed(VIEW("\x03")), ==, GDB_INTERRUPT);
    expect_that(feed(VIEW("$\x03#03")), ==, GDB_PACKET);
    expect_view(reader.payload, VIEW("\x03"));
}

TEST(gdb_packet_has_a_bound)
{
    reset();
    expect_that(feed(VIEW("$")), ==, GDB_NOTHING);
    for (size_t i = 0; i < GDB_PAYLOAD_MAX; i++)
        expect_that(feed(VIEW("a")), ==, GDB_NOTHING);
    /* 4096 * 0x61 is 0x61000. */
    expect_that(feed(VIEW("#00")), ==, GDB_PACKET);
    expect_that(reader.payload.length_bytes, ==, GDB_PAYLOAD_MAX);
    expect_that(feed(VIEW("$")), ==, GDB_NOTHING);
    for (size_t i = 0; i < GDB_PAYLOAD_MAX + 1; i++)
        expect_that(feed(VIEW("a")), ==, GDB_NOTHING);
    expect_that(feed(VIEW("#61")), ==, GDB_DAMAGED);
    expect_that(feed(VIEW("$g#67")), ==, GDB_PACKET);
}

TEST(gdb_packet_is_written_with_its_sum)
{
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    gdb_packet_write(&writer, VIEW("OK"));
    expect_view(writer_view(&writer), VIEW("$OK#9a"));
    reset();
    expect_that(feed(writer_view(&writer)), ==, GDB_PACKET);
}

TEST(gdb_binary_is_escaped)
{
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    gdb_binary_write(&writer, VIEW("a#$*}z"));
    expect_view(writer_view(&writer), VIEW("a}\x03}\x04}\x0a}]z"));
}

TEST(gdb_hex_is_read_whole_or_not_at_all)
{
    uint8_t room[2];
    expect(gdb_hex_read(VIEW("0fA0"), SPAN_OF(room)));
    expect(room[0] == 0x0f && room[1] == 0xa0);
    expect(!gdb_hex_read(VIEW("0fA"), SPAN_OF(room)));
    expect(!gdb_hex_read(VIEW("0fA0b0"), SPAN_OF(room)));
    expect(!gdb_hex_read(VIEW("0fg0"), SPAN_OF(room)));
}
