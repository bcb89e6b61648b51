/* gdb_protocol.c - the commands of the Remote Serial Protocol. A command that is not known has an
 * empty answer, and the debugger does without it.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/gdb_protocol.h"

#include "base/units.h"

/* Of an auxiliary vector (System V AMD64 ABI, 3.4.3). */
#define AUXV_END       0
#define AUXV_PAGE_SIZE 6
#define AUXV_ENTRY     9

#define PAGE_BYTES 4096

static void put(struct writer *reply, const char *text)
{
    writer_put(reply, view_from_string(text));
}

static void put_error(struct writer *reply)
{
    put(reply, "E01");
}

static void put_done(struct writer *reply, bool is_done)
{
    put(reply, is_done ? "OK" : "E01");
}

/* "ADDRESS,LENGTH" */
static bool read_range(struct view text, uint64_t *address, uint64_t *length_bytes)
{
    struct view rest, first = view_cut(text, ',', &rest);
    return view_hex_to_u64(first, address) && view_hex_to_u64(rest, length_bytes);
}

/* ---- registers ---- */

static void read_all(struct gdb_session *session, struct writer *reply)
{
    struct gdb_registers registers;
    session->machine->ops->read_registers(session->machine, &registers);
    writer_put_hex_bytes(reply, VIEW_OF(registers));
}

static void write_all(struct gdb_session *session, struct view digits, struct writer *reply)
{
    struct gdb_registers registers;
    bool is_read = gdb_hex_read(digits, span_from(&registers, sizeof registers));
    if (is_read) session->machine->ops->write_registers(session->machine, &registers);
    put_done(reply, is_read);
}

/* Reads them all, and gives the place of the one of this number; empty: there is none. */
static struct span read_to_find(struct gdb_session *session, struct gdb_registers *registers,
                                struct view number_text)
{
    uint64_t number;
    if (!view_hex_to_u64(number_text, &number)) return (struct span){ 0 };
    session->machine->ops->read_registers(session->machine, registers);
    return gdb_register(registers, number);
}

static void read_one(struct gdb_session *session, struct view number_text, struct writer *reply)
{
    struct gdb_registers registers;
    struct span one = read_to_find(session, &registers, number_text);
    if (one.length_bytes == 0) put_error(reply);
    writer_put_hex_bytes(reply, span_view(one));
}

/* "NUMBER=DIGITS" */
static void write_one(struct gdb_session *session, struct view text, struct writer *reply)
{
    struct gdb_registers registers;
    struct view digits, number_text = view_cut(text, '=', &digits);
    struct span one = read_to_find(session, &registers, number_text);
    bool is_read = one.length_bytes > 0 && gdb_hex_read(digits, one);
    if (is_read) session->machine->ops->write_registers(session->machine, &registers);
    put_done(reply, is_read);
}

/* ---- memory ---- */

static void read_memory(struct gdb_session *session, struct view text, struct writer *reply)
{
    uint64_t address, length_bytes;
    if (!read_range(text, &address, &length_bytes)) {
        put_error(reply);
        return;
    }
    struct span wanted = span_first(SPAN_OF(session->memory),
                                    MIN(length_bytes, sizeof session->memory));
    size_t count = session->machine->ops->read_memory(session->machine, address, wanted);
    if (count == 0 && length_bytes > 0) put_error(reply);
    writer_put_hex_bytes(reply, view_from(session->memory, count));
}

/* "ADDRESS,LENGTH:DIGITS" */
static void write_memory(struct gdb_session *session, struct view text, struct writer *reply)
{
    struct view digits, range = view_cut(text, ':', &digits);
    uint64_t address, length_bytes;
    if (!read_range(range, &address, &length_bytes) || length_bytes > sizeof session->memory) {
        put_error(reply);
        return;
    }
    struct span bytes = span_first(SPAN_OF(session->memory), length_bytes);
    put_done(reply,
             gdb_hex_read(digits, bytes) &&
                 session->machine->ops->write_memory(session->machine, address, span_view(bytes)));
}

/* "0,ADDRESS,KIND": a breakpoint in the text. Other kinds, which the processor would have to watch,
 * are not known. */
static void breakpoint(struct gdb_session *session, struct view text, bool is_set,
                       struct writer *reply)
{
    const struct gdb_machine_ops *ops = session->machine->ops;
    struct view range, kind = view_cut(text, ',', &range);
    uint64_t address, length_bytes;
    if (!view_equal(kind, VIEW("0"))) return;
    if (!read_range(range, &address, &length_bytes)) {
        put_error(reply);
        return;
    }
    put_done(reply, is_set ? ops->set_breakpoint(session->machine, address)
                           : ops->clear_breakpoint(session->machine, address));
}

/* ---- questions ---- */

/* What lies at "OFFSET,LENGTH" of the whole, and whether that was all. */
static void put_part(struct view whole, struct view text, struct writer *reply)
{
    uint64_t offset_bytes, length_bytes;
    if (!read_range(text, &offset_bytes, &length_bytes) || offset_bytes > whole.length_bytes) {
        put_error(reply);
        return;
    }
    struct view rest = view_from_offset(whole, offset_bytes);
    /* Each byte may take two. */
    length_bytes = MIN(length_bytes, GDB_PAYLOAD_MAX / 2 - 1);
    bool is_last = rest.length_bytes <= length_bytes;
    writer_put_u8(reply, is_last ? 'l' : 'm');
    gdb_binary_write(reply, view_first(rest, MIN(rest.length_bytes, length_bytes)));
}

static void put_auxiliary_vector(const struct gdb_session *session, struct view text,
                                 struct writer *reply)
{
    const uint64_t vector[][2] = { { AUXV_PAGE_SIZE, PAGE_BYTES },
                                   { AUXV_ENTRY, session->machine->entry },
                                   { AUXV_END, 0 } };
    put_part(VIEW_OF(vector), text, reply);
}

static void put_supported(struct gdb_session *session, struct view text, struct writer *reply)
{
    session->knows_breakpoints = view_find(text, VIEW("swbreak+")) < text.length_bytes;
    writer_format(reply, "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;qXfer:auxv:read+",
                  GDB_PAYLOAD_MAX);
    if (session->knows_breakpoints) put(reply, ";swbreak+");
}

static bool take_prefix(struct view *text, struct view prefix)
{
    if (!view_starts_with(*text, prefix)) return false;
    *text = view_from_offset(*text, prefix.length_bytes);
    return true;
}

static void answer_question(struct gdb_session *session, struct view text, struct writer *reply)
{
    if (take_prefix(&text, VIEW("qSupported"))) {
        put_supported(session, text, reply);
    } else if (take_prefix(&text, VIEW("qXfer:features:read:target.xml:"))) {
        put_part(gdb_target_xml, text, reply);
    } else if (take_prefix(&text, VIEW("qXfer:auxv:read::"))) {
        put_auxiliary_vector(session, text, reply);
    } else if (take_prefix(&text, VIEW("qAttached"))) {
        put(reply, "0"); /* quitting ends the machine */
    } else if (take_prefix(&text, VIEW("qfThreadInfo"))) {
        put(reply, "m1");
    } else if (take_prefix(&text, VIEW("qsThreadInfo"))) {
        put(reply, "l");
    } else if (view_equal(text, VIEW("qC"))) {
        put(reply, "QC1");
    }
}

/* ---- going on ---- */

static void put_stop(const struct gdb_session *session, struct writer *reply)
{
    writer_format(reply, "T%02xthread:1;", (unsigned)session->signal);
    if (session->is_breakpoint && session->knows_breakpoints) put(reply, "swbreak:;");
}

static enum gdb_action go_on(struct view text, struct writer *reply)
{
    switch (view_is_empty(text) ? 0 : view_byte(text, 0)) {
    case 'c': return GDB_CONTINUE;
    case 's': return GDB_STEP;
    case 'C':
    case 'S': return GDB_PASS;
    default: put_error(reply); return GDB_STAY;
    }
}

/* Actions that begin with `v`. Of a list of them the first is meant for the only thread. */
static enum gdb_action answer_long(struct view text, struct writer *reply)
{
    if (view_equal(text, VIEW("vCont?"))) {
        put(reply, "vCont;c;C;s;S");
    } else if (take_prefix(&text, VIEW("vCont;"))) {
        return go_on(text, reply);
    } else if (take_prefix(&text, VIEW("vKill;"))) {
        put(reply, "OK");
        return GDB_KILL;
    }
    return GDB_STAY;
}

static enum gdb_action answer(struct gdb_session *session, struct view text, struct writer *reply)
{
    struct view rest = view_is_empty(text) ? text : view_from_offset(text, 1);
    switch (view_is_empty(text) ? 0 : view_byte(text, 0)) {
    case '?': put_stop(session, reply); break;
    case 'g': read_all(session, reply); break;
    case 'G': write_all(session, rest, reply); break;
    case 'p': read_one(session, rest, reply); break;
    case 'P': write_one(session, rest, reply); break;
    case 'm': read_memory(session, rest, reply); break;
    case 'M': write_memory(session, rest, reply); break;
    case 'Z': breakpoint(session, rest, true, reply); break;
    case 'z': breakpoint(session, rest, false, reply); break;
    case 'q': answer_question(session, text, reply); break;
    case 'H':
    case 'T': put(reply, "OK"); break;
    case 'c':
    case 'C':
    case 's':
    case 'S': return go_on(text, reply);
    case 'v': return answer_long(text, reply);
    case 'D': put(reply, "OK"); return GDB_DETACH;
    case 'k': return GDB_KILL;
    default: break;
    }
    return GDB_STAY;
}

/* Who goes on, or kills by `k`, is answered later or not at all. */
static bool is_answered(enum gdb_action action, const struct writer *reply)
{
    return action == GDB_STAY || reply->length_bytes > 0;
}

static enum gdb_action take_packet(struct gdb_session *session, struct writer *writer)
{
    struct view text = session->reader.payload;
    struct writer reply = writer_over(SPAN_OF(session->reply));
    bool becomes_silent = view_equal(text, VIEW("QStartNoAckMode"));
    if (!session->is_silent) writer_put_u8(writer, '+');
    if (becomes_silent) put(&reply, "OK");
    enum gdb_action action = answer(session, text, &reply);
    if (is_answered(action, &reply)) gdb_packet_write(writer, writer_view(&reply));
    session->is_silent |= becomes_silent;
    return action;
}

enum gdb_action gdb_session_feed(struct gdb_session *session, uint8_t byte, struct writer *writer)
{
    switch (gdb_reader_feed(&session->reader, byte)) {
    case GDB_NOTHING: return GDB_STAY;
    case GDB_PACKET: return take_packet(session, writer);
    case GDB_DAMAGED: writer_put_u8(writer, '-'); return GDB_STAY;
    case GDB_INTERRUPT: return GDB_STOP;
    }
    return GDB_STAY;
}

void gdb_session_stopped(struct gdb_session *session, enum gdb_signal signal, bool is_breakpoint,
                         struct writer *writer)
{
    struct writer reply = writer_over(SPAN_OF(session->reply));
    session->signal = signal;
    session->is_breakpoint = is_breakpoint;
    put_stop(session, &reply);
    gdb_packet_write(writer, writer_view(&reply));
}

void gdb_session_ended(struct gdb_session *session, uint8_t status, struct writer *writer)
{
    struct writer reply = writer_over(SPAN_OF(session->reply));
    writer_format(&reply, "W%02x", status);
    gdb_packet_write(writer, writer_view(&reply));
}
