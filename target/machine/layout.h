/* layout.h - lays an image out in a machine's memory: loads and relocates it, gives every page its
 * place and its rights, and fills the boot pages. The tender does it from outside, before the first
 * instruction; the monitor of a PVH start does it inside, with the same code, so nothing here calls
 * anything.
 *
 *     memory_physical                                                                        end
 *     | boot pages | image: text, rodata, relro, data | boot stack | stacks | free memory ...    |
 *       rw, nx       rx     r     r      rw, nx         rw, nx       rw, nx   rw, nx, 2 MiB pages
 *
 * An unmapped page stands below the image, the fault stack's page, the boot stack and every fiber
 * stack; the memory's first page is not mapped at all. Tables, GDT, TSS and IDT lie in memory of
 * the monitor's own, at `tables_physical`, which no page of ring 3 shows.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LAYOUT_H
#define LOOM_LAYOUT_H

#include <stdbool.h>

#include "base/result.h"
#include "base/view.h"
#include "target/machine/machine.h"

#define MACHINE_SEGMENTS_MAX 8

/* Linkers leave some of these where they have packed the others. */
#define MACHINE_RELOCATION_NONE 0

/* A part of the image that is loaded, with the rights of its pages. */
struct machine_segment {
    uint64_t address;      /* from the image's first byte */
    uint64_t length_bytes; /* in memory */
    struct view bytes;     /* of the file; what is left is zeroed */
    bool is_writable, is_executable;
};

/* The image's file, checked once: an ELF of x86-64, static and position-independent, none of whose
 * pages is writable and executable, with R_X86_64_RELATIVE relocations only. What is in the file is
 * not believed: every offset and length is checked against it. */
struct machine_image {
    struct view file;
    struct machine_segment segments[MACHINE_SEGMENTS_MAX]; /* in the order of their addresses */
    size_t segment_count;
    uint64_t entry;        /* these from the image's first byte */
    uint64_t file_entry;   /* what the file's head says, by which debuggers find where it lies */
    uint64_t length_bytes; /* in memory, whole pages */
    uint64_t faults, fault_stack_top;
    uint64_t relro_start, relro_end; /* whole pages that are read-only once it is relocated */
    struct view relocations;         /* checked: each is relative, and its place is no code */
    struct view packed;              /* further ones (packed.h), checked */
    struct machine_header header;
    struct view manifest; /* JSON; empty: none */
    const char *problem;  /* in words, where it is INVALID */
};
enum result machine_image_read(struct machine_image *image, struct view file) CHECKED;

/* Pages that are seen at a distance of their own, whatever the image's slide: the monitor's own and
 * the registers of devices. Whole pages, none twice, seen below 32 TiB. */
struct machine_fixed_pages {
    uint64_t physical, length_bytes;
    uint64_t slide; /* virtual = physical + slide, modulo 2^64: whole pages of 2 MiB; mostly 0 */
    enum machine_fixed_kind {
        MACHINE_FIXED_MONITOR,   /* ring 0 alone: code and data */
        MACHINE_FIXED_SYSTEM,    /* ring 0 alone: registers */
        MACHINE_FIXED_REGISTERS, /* for ring 3 to read and write, and never cached */
    } kind;
};
#define MACHINE_FIXED_MAX 16

struct machine_layout_parameters {
    struct span memory;       /* the machine's, zeroed */
    uint64_t memory_physical; /* where the machine sees it begin: whole pages of 2 MiB */
    const struct machine_fixed_pages *fixed;
    size_t fixed_count;       /* at most MACHINE_FIXED_MAX; not 0: the slide is above 32 TiB */
    struct span tables;       /* the monitor's own, zeroed */
    uint64_t tables_physical; /* where the machine sees it: a page behind `memory` */
    struct view arguments;    /* each word ended by NUL; at most MACHINE_ARGUMENTS_MAX */
    uint64_t slide_seed;      /* random: of it the slide and the image's place are made */
    enum machine_crossing crossing;
};

/* What the processor is given, and where the boot page is. Addresses are virtual but for cr3. */
struct machine_layout {
    struct machine_boot
        *boot; /* in `memory`: times, entropy and devices are the caller's to fill */
    uint64_t boot_address;
    uint64_t entry, stack_top;
    uint64_t cr3;
    uint64_t gdt_address, tss_address, idt_address; /* seen by ring 0 only */
    uint16_t gdt_limit, idt_limit;
    uint32_t tss_limit;
    uint64_t memory_needed_bytes; /* where it is FULL: the least that would do */
    struct view problem;          /* where it is INVALID: the argument */
};

/* Selectors of the GDT that it lays out, as Linux has them. */
#define MACHINE_CODE_SELECTOR 0x33
#define MACHINE_DATA_SELECTOR 0x2b
#define MACHINE_TSS_SELECTOR  0x40

/* The stack that the image starts on, and on which its loop runs. */
#define MACHINE_BOOT_STACK_BYTES 65536u

/* How many bytes of tables a machine of so much memory needs: whole pages. With fixed pages it
 * needs MACHINE_FIXED_TABLES_BYTES more. */
uint64_t machine_tables_bytes(uint64_t memory_bytes);
#define MACHINE_FIXED_TABLES_BYTES ((uint64_t)MACHINE_FIXED_MAX * 3 * MACHINE_PAGE_BYTES)

/* With MACHINE_BY_INT3 the gate of vector 3 is the monitor's to set.
 *
 * FULL: the memory is too small for the image and its stacks. Stacks of which the command line does
 * not give the number are made fewer, at least one of each kind that is wished for, when they would
 * take more than a quarter of the memory. INVALID: an argument that asks for stacks is no number.
 */
enum result machine_lay_out(struct machine_layout *layout, const struct machine_image *image,
                            const struct machine_layout_parameters *parameters) CHECKED;

#endif
