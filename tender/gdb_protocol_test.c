/* gdb_protocol_test.c - what a debugger asks (GDB manual, appendix E), and what it is answered.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/gdb_protocol.h"

#include "tender/gdb_double_test.h"
#include "test/test.h"

static struct gdb_session session;
static uint8_t answer_room[GDB_FRAME_MAX];
static struct writer answer;

static enum gdb_action feed(struct view bytes)
{
    enum gdb_action action = GDB_STAY;
    for (size_t i = 0; i < bytes.length_bytes; i++)
        action = gdb_session_feed(&session, view_byte(bytes, i), &answer);
    return action;
}

/* Asks it in a packet; the answer's payload, without an acknowledgement, is in `said`. */
static enum gdb_action ask(struct view payload, struct view *said)
{
    static uint8_t room[GDB_FRAME_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    gdb_packet_write(&writer, payload);
    answer = writer_over(SPAN_OF(answer_room));
    enum gdb_action action = feed(writer_view(&writer));
    struct view all = writer_view(&answer);
    expect(view_starts_with(all, VIEW("+")));
    all = view_from_offset(all, 1);
    *said = view_first(all, 0);
    if (all.length_bytes >= 4) *said = view_slice(all, 1, all.length_bytes - 4);
    return action;
}

#define expect_answer(question, text) \
    do { \
        struct view told; \
        expect_that(ask(VIEW(question), &told), ==, GDB_STAY); \
        expect_view(told, VIEW(text)); \
    } while (0)

TEST(gdb_registers_are_read_and_written)
{
    gdb_double_begin(&session);
    gdb_double.registers.rip = 0x1122334455667788;
    gdb_double.registers.gs_base = 0xabcd;
    expect_answer("p10", "8877665544332211");
    expect_answer("p3b", "cdab000000000000");
    expect_answer("p3c", "E01");
    expect_answer("P11=02030405", "OK");
    expect_that(gdb_double.registers.rflags, ==, 0x05040302);
    expect_answer("P11=0203040506", "E01");
    expect_answer("P3c=00", "E01");
    expect_answer("P11", "E01");
    expect_answer("px", "E01");
    expect_answer("G00", "E01");
}

TEST(gdb_registers_all_come_back)
{
    static uint8_t room[GDB_PAYLOAD_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    struct view said;
    gdb_double_begin(&session);
    for (size_t i = 0; i < sizeof gdb_double.registers; i++)
        SPAN_OF(gdb_double.registers).bytes[i] = (uint8_t)(i * 7);
    const struct gdb_registers before = gdb_double.registers;
    (void)ask(VIEW("g"), &said);
    expect_that(said.length_bytes, ==, 2 * sizeof(struct gdb_registers));
    writer_put(&writer, VIEW("G"));
    writer_put(&writer, said);
    gdb_double.registers = (struct gdb_registers){ 0 };
    (void)ask(writer_view(&writer), &said);
    expect_view(said, VIEW("OK"));
    expect_view(VIEW_OF(gdb_double.registers), VIEW_OF(before));
}

TEST(gdb_memory_is_read_as_far_as_it_goes)
{
    gdb_double_begin(&session);
    gdb_double.memory[1] = 0xfe;
    gdb_double.memory[63] = 0x77;
    expect_answer("m1000,2", "00fe");
    expect_answer("m103f,10", "77");
    expect_answer("m1040,1", "E01");
    expect_answer("m0,1", "E01");
    expect_answer("m1000,ffffffffffffffff1", "E01");
    expect_answer("m1000", "E01");
    expect_answer("M1001,2:aabb", "OK");
    expect(gdb_double.memory[1] == 0xaa && gdb_double.memory[2] == 0xbb);
    expect_answer("M103f,2:aabb", "E01");
    expect_that(gdb_double.memory[63], ==, 0x77);
    expect_answer("M1001,2:aabbcc", "E01");
    expect_answer("M1001,ffffffff:aa", "E01");
}

TEST(gdb_breakpoints_of_the_text_only)
{
    gdb_double_begin(&session);
    expect_answer("Z0,1004,1", "OK");
    expect_that(gdb_double.breakpoint, ==, 0x1004);
    expect_answer("z0,1004,1", "OK");
    expect_that(gdb_double.breakpoint, ==, 0);
    expect_answer("Z0,5,1", "E01");
    expect_answer("Z1,1004,1", "");
    expect_answer("Z2,1004,8", "");
    expect_answer("Z", "");
}

TEST(gdb_finds_out_where_the_image_is)
{
    gdb_double_begin(&session);
    expect_answer("qXfer:auxv:read::0,1000",
                  "l\6\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\x09\0\0\0\0\0\0\0"
                  "\x34\x12\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    expect_answer("qXfer:auxv:read::31,10", "E01");
    expect_answer("qXfer:auxv:read::30,10", "l");
    expect_answer("qXfer:auxv:read::0,1", "m\6");
    expect_answer("qXfer:auxv:read::", "E01");
}

/* In parts, as gdb asks for it. */
TEST(gdb_is_given_a_description)
{
    static uint8_t question_room[64], whole_room[16384];
    struct writer whole = writer_over(SPAN_OF(whole_room));
    struct view said = VIEW("m");
    gdb_double_begin(&session);
    while (view_byte(said, 0) == 'm') {
        struct view question = format(SPAN_OF(question_room),
                                      "qXfer:features:read:target.xml:%zx,3f0", whole.length_bytes);
        (void)ask(question, &said);
        expect(said.length_bytes > 0);
        writer_put(&whole, view_from_offset(said, 1));
    }
    expect_view(writer_view(&whole), gdb_target_xml);
    expect(view_ends_with(gdb_target_xml, VIEW("</target>\n")));
}

TEST(gdb_lets_it_go_on)
{
    struct view said;
    gdb_double_begin(&session);
    expect_answer("?", "T05thread:1;");
    expect_answer("vCont?", "vCont;c;C;s;S");
    expect_that(ask(VIEW("vCont;c"), &said), ==, GDB_CONTINUE);
    expect(view_is_empty(said));
    expect_that(ask(VIEW("vCont;s:1;c"), &said), ==, GDB_STEP);
    expect_that(ask(VIEW("vCont;C0b:1"), &said), ==, GDB_PASS);
    expect_that(ask(VIEW("c"), &said), ==, GDB_CONTINUE);
    expect_that(ask(VIEW("k"), &said), ==, GDB_KILL);
    expect(view_is_empty(said));
    expect_that(ask(VIEW("vKill;1"), &said), ==, GDB_KILL);
    expect_view(said, VIEW("OK"));
    expect_that(ask(VIEW("D"), &said), ==, GDB_DETACH);
    expect_view(said, VIEW("OK"));
    expect_answer("vCont;", "E01");
    expect_answer("vMustReplyEmpty", "");
    expect_answer("", "");
}

TEST(gdb_is_told_why_it_stands_still)
{
    gdb_double_begin(&session);
    answer = writer_over(SPAN_OF(answer_room));
    gdb_session_stopped(&session, GDB_SIGTRAP, true, &answer);
    expect_view(writer_view(&answer), VIEW("$T05thread:1;#d7"));
    struct view said;
    (void)ask(VIEW("qSupported:swbreak+;xmlRegisters=i386"), &said);
    expect(view_find(said, VIEW("swbreak+")) < said.length_bytes);
    expect_answer("?", "T05thread:1;swbreak:;");
    answer = writer_over(SPAN_OF(answer_room));
    gdb_session_ended(&session, 134, &answer);
    expect_view(writer_view(&answer), VIEW("$W86#c5"));
}

TEST(gdb_without_acknowledgements)
{
    gdb_double_begin(&session);
    expect_answer("QStartNoAckMode", "OK");
    answer = writer_over(SPAN_OF(answer_room));
    (void)feed(VIEW("$qC#b4"));
    expect_view(writer_view(&answer), VIEW("$QC1#c5"));
    answer = writer_over(SPAN_OF(answer_room));
    (void)feed(VIEW("$qC#b5"));
    expect_view(writer_view(&answer), VIEW("-"));
}
