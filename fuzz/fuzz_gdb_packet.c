/* fuzz_gdb_packet.c - a debugger that says anything: frames and commands, to a machine that has a
 * little memory. Each answer is one frame that fits and that the reader of frames takes.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/gdb_double_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static struct gdb_session session;
static struct gdb_reader reader;
static uint8_t room[GDB_FRAME_MAX];

/* Whole frames only, and acknowledgements. */
static void check_answer(struct view answer)
{
    for (size_t i = 0; i < answer.length_bytes; i++)
        assert(gdb_reader_feed(&reader, view_byte(answer, i)) != GDB_DAMAGED);
    assert(reader.state == GDB_BETWEEN);
}

static struct view payload_of(struct view bytes)
{
    return view_first(bytes, view_find_byte(bytes, '\n'));
}

static void feed(struct view bytes)
{
    for (size_t i = 0; i < bytes.length_bytes; i++) {
        struct writer answer = writer_over(SPAN_OF(room));
        (void)gdb_session_feed(&session, view_byte(bytes, i), &answer);
        assert(!answer.ran_short);
        check_answer(writer_view(&answer));
    }
}

/* The input is both: bytes as they come, and lines that are put into frames whose sums are right.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    static uint8_t frame_room[GDB_FRAME_MAX];
    struct view rest = view_from(bytes, length_bytes);
    gdb_double_begin(&session);
    feed(rest);
    gdb_double_begin(&session);
    while (!view_is_empty(rest)) {
        struct view payload = payload_of(rest);
        struct writer frame = writer_over(SPAN_OF(frame_room));
        gdb_packet_write(&frame, payload);
        feed(writer_view(&frame));
        rest = view_from_offset(rest, MIN(payload.length_bytes + 1, rest.length_bytes));
    }
    return 0;
}
