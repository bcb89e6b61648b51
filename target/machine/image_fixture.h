/* image_fixture.h - a small image's file, as a linker would have made it, for tests to break.
 *
 *     0x0000  r    headers, notes, relocations
 *     0x1000  rx   handlers of faults; 0x1200 the entry point
 *     0x2000  r    constants
 *     0x3000  rw   one page of relro, with the dynamic section; data; zeroed up to 0x9000
 *     0x6000       the page below the fault stack; 0x7000 the fault stack
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IMAGE_FIXTURE_H
#define LOOM_IMAGE_FIXTURE_H

#include <elf.h>
#include <string.h>

#include "base/units.h"
#include "base/view.h"
#include "target/machine/machine.h"

#define FIXTURE_FILE_BYTES   0x4800
#define FIXTURE_MEMORY_BYTES 0x9000
#define FIXTURE_ENTRY        0x1200
#define FIXTURE_FAULT_TOP    0x8000
#define FIXTURE_RELRO        0x3000
#define FIXTURE_MANIFEST     "{\"name\": \"fixture\"}"

enum {
    FIXTURE_READ,
    FIXTURE_CODE,
    FIXTURE_CONSTANTS,
    FIXTURE_DATA,
    FIXTURE_DYNAMIC,
    FIXTURE_NOTES,
    FIXTURE_RELRO_PART,
    FIXTURE_PROGRAMS
};
enum { FIXTURE_RELOCATIONS = 3, FIXTURE_TAGS = 4 };

struct fixture_note {
    Elf64_Nhdr head;
    char owner[8]; /* "Loom", padded */
    struct machine_header header;
} __attribute__((packed)); /* notes are aligned to 4 bytes only */

struct fixture_manifest {
    Elf64_Nhdr head;
    char owner[8];
    char text[20];
};

/* The file's first page; the others are bytes that tell where they are from. */
struct fixture {
    union {
        uint8_t bytes[FIXTURE_FILE_BYTES];
        struct {
            Elf64_Ehdr head;
            Elf64_Phdr programs[FIXTURE_PROGRAMS];
            struct fixture_note note;
            struct fixture_manifest manifest;
            Elf64_Rela relocations[FIXTURE_RELOCATIONS];
        };
    };
};

static inline Elf64_Phdr fixture_program(uint32_t type, uint32_t flags, uint64_t address,
                                         uint64_t file_bytes, uint64_t memory_bytes)
{
    return (Elf64_Phdr){ .p_type = type,
                         .p_flags = flags,
                         .p_offset = address,
                         .p_vaddr = address,
                         .p_paddr = address,
                         .p_filesz = file_bytes,
                         .p_memsz = memory_bytes,
                         .p_align = MACHINE_PAGE_BYTES };
}

static inline void fixture_fill_programs(struct fixture *fixture)
{
    Elf64_Phdr *programs = fixture->programs;
    programs[FIXTURE_READ] = fixture_program(PT_LOAD, PF_R, 0, 0x800, 0x800);
    programs[FIXTURE_CODE] = fixture_program(PT_LOAD, PF_R | PF_X, 0x1000, 0x400, 0x400);
    programs[FIXTURE_CONSTANTS] = fixture_program(PT_LOAD, PF_R, 0x2000, 0x1000, 0x1000);
    programs[FIXTURE_DATA] = fixture_program(PT_LOAD, PF_R | PF_W, FIXTURE_RELRO, 0x1800, 0x6000);
    programs[FIXTURE_DYNAMIC] = fixture_program(PT_DYNAMIC, PF_R | PF_W, 0x3100,
                                                FIXTURE_TAGS * sizeof(Elf64_Dyn),
                                                FIXTURE_TAGS * sizeof(Elf64_Dyn));
    programs[FIXTURE_NOTES] = fixture_program(
        PT_NOTE, PF_R, offsetof(struct fixture, note),
        sizeof(struct fixture_note) + sizeof(struct fixture_manifest),
        sizeof(struct fixture_note) + sizeof(struct fixture_manifest));
    programs[FIXTURE_RELRO_PART] = fixture_program(PT_GNU_RELRO, PF_R, FIXTURE_RELRO, 0x1000,
                                                   0x1000);
}

static inline void fixture_fill_notes(struct fixture *fixture)
{
    const uint64_t at = offsetof(struct fixture, note.header);
    fixture->note.head = (Elf64_Nhdr){ 5, sizeof(struct machine_header), MACHINE_NOTE_HEADER };
    memcpy(fixture->note.owner, "Loom\0\0\0", 8);
    fixture->note.header = (struct machine_header){
        .abi = MACHINE_ABI,
        .entry = FIXTURE_ENTRY - (int64_t)(at + offsetof(struct machine_header, entry)),
        .faults = 0x1000 - (int64_t)(at + offsetof(struct machine_header, faults)),
        .fault_stack_top = FIXTURE_FAULT_TOP -
                           (int64_t)(at + offsetof(struct machine_header, fault_stack_top)),
        .stacks = { { 16384, 1024, "fibers-small" },
                    { 65536, 64, "fibers-medium" },
                    { 262144, 8, "fibers-large" } },
    };
    fixture->manifest.head = (Elf64_Nhdr){ 5, sizeof FIXTURE_MANIFEST - 1, 1 };
    memcpy(fixture->manifest.owner, "Loom\0\0\0", 8);
    memcpy(fixture->manifest.text, FIXTURE_MANIFEST, sizeof FIXTURE_MANIFEST - 1);
}

static inline Elf64_Dyn *fixture_tags(struct fixture *fixture)
{
    return (Elf64_Dyn *)(void *)&fixture->bytes[0x3100];
}

static inline void fixture_fill_relocations(struct fixture *fixture)
{
    Elf64_Dyn *tags = fixture_tags(fixture);
    tags[0] = (Elf64_Dyn){ DT_RELA, { offsetof(struct fixture, relocations) } };
    tags[1] = (Elf64_Dyn){ DT_RELASZ, { sizeof fixture->relocations } };
    tags[2] = (Elf64_Dyn){ DT_RELAENT, { sizeof(Elf64_Rela) } };
    tags[3] = (Elf64_Dyn){ DT_NULL, { 0 } };
    fixture->relocations[0] = (Elf64_Rela){ 0x3000, R_X86_64_RELATIVE, 0x1234 };
    fixture->relocations[1] = (Elf64_Rela){ 0x4008, R_X86_64_RELATIVE, 0x8fff };
    fixture->relocations[2] = (Elf64_Rela){ 0x8ff8, R_X86_64_RELATIVE, 0 };
}

static inline void fixture_fill(struct fixture *fixture)
{
    memset(fixture->bytes, 0, sizeof fixture->bytes);
    for (size_t i = 0x1000; i < sizeof fixture->bytes; i++)
        fixture->bytes[i] = (uint8_t)(i / 7);
    fixture->head = (Elf64_Ehdr){ .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                                               ELFDATA2LSB, EV_CURRENT },
                                  .e_type = ET_DYN,
                                  .e_machine = EM_X86_64,
                                  .e_version = EV_CURRENT,
                                  .e_phoff = offsetof(struct fixture, programs),
                                  .e_ehsize = sizeof(Elf64_Ehdr),
                                  .e_phentsize = sizeof(Elf64_Phdr),
                                  .e_phnum = FIXTURE_PROGRAMS };
    fixture_fill_programs(fixture);
    fixture_fill_notes(fixture);
    fixture_fill_relocations(fixture);
}

/* The three relocations make room for packed ones, and for the tags that tell of them. */
static inline void fixture_pack(struct fixture *fixture, uint64_t first, uint64_t second,
                                uint64_t third)
{
    const uint64_t words[] = { first, second, third };
    const Elf64_Dyn tags[] = { { 36, { offsetof(struct fixture, relocations) } },
                               { 35, { sizeof words } },
                               { 37, { 8 } },
                               { DT_NULL, { 0 } } };
    memcpy(fixture->relocations, words, sizeof words);
    memcpy(fixture_tags(fixture), tags, sizeof tags);
}

#endif
