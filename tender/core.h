/* core.h - what is left of a machine that has crashed: an ELF core that gdb opens with the image.
 *
 *     | headers, notes | the machine's memory, from physical 0 on, with holes where it has none |
 *     0                CORE_HEADER_BYTES
 *
 * Segments say where the image has seen it. Holes are what was never touched and what is zero, so
 * the file takes no more room than the machine did.
 *
 * The file is made before the sandbox is entered, under another name; a process that does nothing
 * else (the *keeper*) gives it its own name when it is whole, and takes it away when the machine
 * has not crashed. So the sandbox stays as narrow as it is.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_CORE_H
#define LOOM_TENDER_CORE_H

#include "target/machine/layout.h"
#include "tender/vcpu.h"

#define CORE_HEADER_BYTES 8192u
#define CORE_MAP_PAGES    512
#define CORE_SEGMENTS_MAX (MACHINE_SEGMENTS_MAX + MACHINE_STACK_CLASSES + 3)

struct core_segment {
    uint64_t address, length_bytes;
    bool is_writable, is_executable;
};

struct core {
    const char *path, *image_path;
    int file, pages, keeper; /* the latter: a socket */
    struct span memory;
    uint64_t slide, entry, fault_stack_top;
    struct core_segment segments[CORE_SEGMENTS_MAX];
    size_t segment_count;
    uint8_t notes[1536], head[3072]; /* in the making */
    uint64_t map[CORE_MAP_PAGES];    /* what the host tells of pages, so many at a time */
};

/* Makes the file and starts the keeper; before there is memory, which it would share. Ends the
 * process where that fails. */
void core_open(struct core *core, const char *path, const char *image_path);

/* Before the guest's first instruction, and before the sandbox: the boot page is believed. */
void core_set_machine(struct core *core, struct span memory, const struct machine_image *image,
                      const struct machine_layout *layout);

/* Writes it, and says where it is, or why it is not. `has_reported`: the image has crashed by its
 * own word, and has left the registers of an exception on its fault stack if it was one. */
void core_write(struct core *core, const struct vcpu *vcpu, bool has_reported);

/* Nothing has been written: nothing is left. */
void core_discard(struct core *core);

#endif
