/* gdb_registers.h - a processor's registers as a debugger is told of them: all in one row, in the
 * order of the description that it is given (target.xml).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_GDB_REGISTERS_H
#define LOOM_TENDER_GDB_REGISTERS_H

#include <stdint.h>

#include "base/assert.h"
#include "base/view.h"

/* General registers in the order of DWARF's cousin that gdb keeps for amd64: rbp is before rsp. */
enum gdb_general {
    GDB_RAX,
    GDB_RBX,
    GDB_RCX,
    GDB_RDX,
    GDB_RSI,
    GDB_RDI,
    GDB_RBP,
    GDB_RSP,
    GDB_R8, /* and r9 to r15 behind it */
    GDB_GENERAL_COUNT = 16,
};

enum gdb_segment { GDB_CS, GDB_SS, GDB_DS, GDB_ES, GDB_FS, GDB_GS, GDB_SEGMENT_COUNT };

struct gdb_registers {
    uint64_t general[GDB_GENERAL_COUNT], rip;
    uint32_t rflags, segments[GDB_SEGMENT_COUNT];
    uint8_t st[8][10];
    uint32_t control, status, tags, instruction_segment, instruction, operand_segment, operand,
        opcode;
    uint8_t xmm[16][16];
    uint32_t mxcsr;
    uint64_t orig_rax; /* of Linux's processes: always -1 */
    uint64_t fs_base, gs_base;
} __attribute__((packed));
static_assert(sizeof(struct gdb_registers) == 560, "as target.xml sums up");

/* The description. */
extern const struct view gdb_target_xml;

/* The bytes of the register of this number; empty: there is none. */
struct span gdb_register(struct gdb_registers *registers, uint64_t number);

#endif
