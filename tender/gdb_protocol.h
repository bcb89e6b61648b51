/* gdb_protocol.h - what a debugger asks for, and the answers: the Remote Serial Protocol's commands
 * (GDB manual, appendix E) over anything that has registers, memory and breakpoints.
 *
 * A state machine: it is fed the debugger's bytes and says what to do; answers go to a writer.
 * There is one thread, of the number 1.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_GDB_PROTOCOL_H
#define LOOM_TENDER_GDB_PROTOCOL_H

#include "tender/gdb_packet.h"
#include "tender/gdb_registers.h"

struct gdb_machine {
    const struct gdb_machine_ops *ops;
    uint64_t
        entry; /* that of the image's file: the debugger finds out by it where the image lies */
};

struct gdb_machine_ops {
    void (*read_registers)(struct gdb_machine *machine, struct gdb_registers *registers);
    void (*write_registers)(struct gdb_machine *machine, const struct gdb_registers *registers);
    /* As much as is mapped from the address on; how much that was. */
    size_t (*read_memory)(struct gdb_machine *machine, uint64_t address, struct span room);
    /* All of it or nothing: text, too. False: not all is mapped. */
    bool (*write_memory)(struct gdb_machine *machine, uint64_t address, struct view bytes);
    /* True: it is there, or it is not there any more. False: not mapped, or there are too many. */
    bool (*set_breakpoint)(struct gdb_machine *machine, uint64_t address);
    bool (*clear_breakpoint)(struct gdb_machine *machine, uint64_t address);
};

/* What the debugger wants of the machine. */
enum gdb_action {
    GDB_STAY,     /* nothing: it has been answered */
    GDB_STOP,     /* to stand still, and be told so */
    GDB_CONTINUE, /* to go on from its registers */
    GDB_STEP,     /* the same for one instruction */
    GDB_PASS,     /* to meet with what it was stopped for */
    GDB_DETACH,   /* to go on without a debugger */
    GDB_KILL,     /* to end */
};

/* Numbers of signals as the protocol has them, whatever the host's. */
enum gdb_signal {
    GDB_SIGINT = 2,
    GDB_SIGILL = 4,
    GDB_SIGTRAP = 5,
    GDB_SIGABRT = 6,
    GDB_SIGFPE = 8,
    GDB_SIGBUS = 10,
    GDB_SIGSEGV = 11,
};

struct gdb_session {
    struct gdb_machine *machine;
    struct gdb_reader reader;
    uint8_t reply[GDB_PAYLOAD_MAX], memory[GDB_PAYLOAD_MAX / 2];
    enum gdb_signal signal; /* why the machine stands still */
    bool is_breakpoint;     /* it is one of the debugger's */
    bool is_silent;         /* no acknowledgements */
    bool knows_breakpoints; /* and wants to be told */
};

/* Takes a byte. The machine stands still unless the byte may be answered with GDB_STOP. Answers fit
 * into GDB_FRAME_MAX bytes. */
enum gdb_action gdb_session_feed(struct gdb_session *session, uint8_t byte, struct writer *writer);

/* The machine, which was to go on, stands still; or it has ended. */
void gdb_session_stopped(struct gdb_session *session, enum gdb_signal signal, bool is_breakpoint,
                         struct writer *writer);
void gdb_session_ended(struct gdb_session *session, uint8_t status, struct writer *writer);

#endif
