/* gdb_double_test.h - a machine for a debugger that is none: registers, 64 bytes of memory,
 * breakpoints.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_GDB_DOUBLE_TEST_H
#define LOOM_TENDER_GDB_DOUBLE_TEST_H

#include "base/units.h"
#include "tender/gdb_protocol.h"

#define GDB_DOUBLE_ADDRESS 0x1000u

struct gdb_double {
    struct gdb_machine machine;
    struct gdb_registers registers;
    uint8_t memory[64];  /* at GDB_DOUBLE_ADDRESS */
    uint64_t breakpoint; /* the last one; 0: there is none */
};

static struct gdb_double gdb_double;

static void gdb_double_read_registers(struct gdb_machine *machine, struct gdb_registers *registers)
{
    *registers = ((struct gdb_double *)machine)->registers;
}

static void gdb_double_write_registers(struct gdb_machine *machine,
                                       const struct gdb_registers *registers)
{
    ((struct gdb_double *)machine)->registers = *registers;
}

static struct span gdb_double_at(struct gdb_machine *machine, uint64_t address)
{
    struct span memory = SPAN_OF(((struct gdb_double *)machine)->memory);
    uint64_t offset_bytes = address - GDB_DOUBLE_ADDRESS;
    return span_from_offset(memory, MIN(offset_bytes, memory.length_bytes));
}

static size_t gdb_double_read_memory(struct gdb_machine *machine, uint64_t address,
                                     struct span room)
{
    struct view there = span_view(gdb_double_at(machine, address));
    there = view_first(there, MIN(there.length_bytes, room.length_bytes));
    if (!view_is_empty(there)) (void)span_copy(room, there);
    return there.length_bytes;
}

static bool gdb_double_write_memory(struct gdb_machine *machine, uint64_t address,
                                    struct view bytes)
{
    struct span there = gdb_double_at(machine, address);
    if (there.length_bytes < bytes.length_bytes) return false;
    if (!view_is_empty(bytes)) (void)span_copy(there, bytes);
    return true;
}

static bool gdb_double_set_breakpoint(struct gdb_machine *machine, uint64_t address)
{
    bool is_mapped = gdb_double_at(machine, address).length_bytes > 0;
    if (is_mapped) ((struct gdb_double *)machine)->breakpoint = address;
    return is_mapped;
}

static bool gdb_double_clear_breakpoint(struct gdb_machine *machine, uint64_t address)
{
    struct gdb_double *it = (struct gdb_double *)machine;
    if (it->breakpoint == address) it->breakpoint = 0;
    return true;
}

static const struct gdb_machine_ops gdb_double_ops = {
    .read_registers = gdb_double_read_registers,
    .write_registers = gdb_double_write_registers,
    .read_memory = gdb_double_read_memory,
    .write_memory = gdb_double_write_memory,
    .set_breakpoint = gdb_double_set_breakpoint,
    .clear_breakpoint = gdb_double_clear_breakpoint,
};

static void gdb_double_begin(struct gdb_session *session)
{
    gdb_double = (struct gdb_double){ .machine = { .ops = &gdb_double_ops, .entry = 0x1234 } };
    *session = (struct gdb_session){ .machine = &gdb_double.machine, .signal = GDB_SIGTRAP };
}

#endif
