/* debug_traps.c - exceptions that leave the machine, and breakpoints in its text.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/debug_traps.h"

#include "base/assert.h"
#include "base/units.h"

#define TRAP_PORT 0xdb

/* The ports' bits in the task state (AMD64 architecture, volume 2, 12.2.5). */
#define PORTS_OFFSET 0x68

#define STUB_STRIDE 16
#define INT3        0xcc

/* Of Intel SDM 3A, table 6-1: those with an error code are 8, 10 to 14, 17, 21, 29 and 30. */
#define VECTORS_WITH_ERROR 0x60227d00u

#define VECTOR_DIVIDE     0
#define VECTOR_DEBUG      1
#define VECTOR_BREAKPOINT 3
#define VECTOR_OPCODE     6
#define VECTOR_FLOAT      16
#define VECTOR_ALIGNMENT  17
#define VECTOR_SIMD       19

static const uint8_t trap[DEBUG_STUB_BYTES] = { 0xe6, TRAP_PORT };

void debug_traps_init(struct debug_traps *traps, const struct guest_pages *pages,
                      const struct machine_layout *layout, uint64_t faults)
{
    *traps = (struct debug_traps){
        .pages = *pages,
        .faults = faults,
        .ports = layout->tss_address - layout->boot->slide + PORTS_OFFSET + TRAP_PORT / 8,
    };
}

static uint64_t stub_at(const struct debug_traps *traps, size_t vector)
{
    return traps->faults + vector * STUB_STRIDE;
}

static void permit_port(struct debug_traps *traps, bool is_permitted)
{
    const uint8_t bit = 1 << TRAP_PORT % 8;
    struct span byte = span_from_offset(traps->pages.all, traps->ports);
    byte.bytes[0] = (uint8_t)(is_permitted ? byte.bytes[0] & ~bit : byte.bytes[0] | bit);
}

/* The stubs are whole pages of the image's text: reading its file has seen to that they are there.
 */
void debug_traps_set(struct debug_traps *traps)
{
    if (traps->are_set) return;
    for (size_t i = 0; i < DEBUG_VECTORS; i++) {
        (void)guest_pages_read(&traps->pages, stub_at(traps, i), SPAN_OF(traps->stubs[i]));
        (void)guest_pages_write(&traps->pages, stub_at(traps, i), VIEW_OF(trap));
    }
    permit_port(traps, true);
    traps->are_set = true;
}

void debug_traps_unset(struct debug_traps *traps)
{
    if (!traps->are_set) return;
    for (size_t i = 0; i < DEBUG_VECTORS; i++)
        (void)guest_pages_write(&traps->pages, stub_at(traps, i), VIEW_OF(traps->stubs[i]));
    permit_port(traps, false);
    traps->are_set = false;
}

/* ---- breakpoints ---- */

static size_t breakpoint_find(const struct debug_traps *traps, uint64_t address)
{
    size_t i = 0;
    while (i < traps->count && traps->breakpoints[i].address != address)
        i++;
    return i;
}

bool debug_breakpoint_is_at(const struct debug_traps *traps, uint64_t address)
{
    return breakpoint_find(traps, address) < traps->count;
}

bool debug_breakpoint_add(struct debug_traps *traps, uint64_t address)
{
    assert(!traps->are_breaking);
    if (debug_breakpoint_is_at(traps, address)) return true;
    if (traps->count == LENGTH_OF(traps->breakpoints) ||
        guest_pages_at(&traps->pages, address).length_bytes == 0)
        return false;
    traps->breakpoints[traps->count++].address = address;
    return true;
}

bool debug_breakpoint_remove(struct debug_traps *traps, uint64_t address)
{
    assert(!traps->are_breaking);
    size_t found = breakpoint_find(traps, address);
    if (found < traps->count) traps->breakpoints[found] = traps->breakpoints[--traps->count];
    return true;
}

void debug_breakpoints_insert(struct debug_traps *traps)
{
    const uint8_t int3 = INT3;
    if (traps->are_breaking) return;
    for (size_t i = 0; i < traps->count; i++) {
        struct debug_breakpoint *at = &traps->breakpoints[i];
        (void)guest_pages_read(&traps->pages, at->address, SPAN_OF(at->original));
        (void)guest_pages_write(&traps->pages, at->address, VIEW_OF(int3));
    }
    traps->are_breaking = true;
}

void debug_breakpoints_take_out(struct debug_traps *traps)
{
    if (!traps->are_breaking) return;
    for (size_t i = 0; i < traps->count; i++) {
        const struct debug_breakpoint *at = &traps->breakpoints[i];
        (void)guest_pages_write(&traps->pages, at->address, VIEW_OF(at->original));
    }
    traps->are_breaking = false;
}

/* ---- exceptions ---- */

/* As the processor pushes it (AMD64 architecture, volume 2, 8.9.3), without an error code. */
struct pushed {
    uint64_t rip, cs, rflags, rsp, ss;
};

bool debug_traps_took(const struct debug_traps *traps, const struct kvm_run *run)
{
    return traps->are_set && run->exit_reason == KVM_EXIT_IO && run->io.port == TRAP_PORT;
}

bool debug_traps_read(const struct debug_traps *traps, const struct kvm_regs *registers,
                      struct debug_exception *exception)
{
    struct pushed pushed;
    uint64_t from_first = registers->rip - DEBUG_STUB_BYTES - traps->faults;
    if (from_first % STUB_STRIDE != 0 || from_first / STUB_STRIDE >= DEBUG_VECTORS) return false;
    unsigned vector = (unsigned)(from_first / STUB_STRIDE);
    uint64_t place = registers->rsp + (VECTORS_WITH_ERROR >> vector & 1) * sizeof(uint64_t);
    if (guest_pages_read(&traps->pages, place, SPAN_OF(pushed)) != sizeof pushed) return false;
    *exception = (struct debug_exception){ .vector = vector, .at = *registers, .stub = *registers };
    exception->stub.rip -= DEBUG_STUB_BYTES;
    exception->at.rip = pushed.rip;
    exception->at.rsp = pushed.rsp;
    exception->at.rflags = pushed.rflags;
    return true;
}

enum gdb_signal debug_signal(unsigned vector)
{
    switch (vector) {
    case VECTOR_DIVIDE:
    case VECTOR_FLOAT:
    case VECTOR_SIMD: return GDB_SIGFPE;
    case VECTOR_DEBUG:
    case VECTOR_BREAKPOINT: return GDB_SIGTRAP;
    case VECTOR_OPCODE: return GDB_SIGILL;
    case VECTOR_ALIGNMENT: return GDB_SIGBUS;
    default: return GDB_SIGSEGV;
    }
}
