/* segments.c - see segments.h.
 *
 * Source: System V ABI, "Object Files": ELF header, program header.
 *
 * SPDX-License-Identifier: ISC */
#include "image/segments.h"

#include "base/assert.h"

#define PROGRAM_LOAD 1
#define PROGRAM_NOTE 4

#define READABLE 4

/* A machine's image holds a monitor, too, which has more of them. */
#define READABLE_AND_EXECUTABLE 5

struct elf_header {
    uint8_t identification[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, programs_offset, sections_offset;
    uint32_t flags;
    uint16_t header_bytes, program_bytes, program_count;
    uint16_t section_bytes, section_count, section_of_names;
};
static_assert(sizeof(struct elf_header) == 64, "ELF-64");

struct elf_program {
    uint32_t type, flags;
    uint64_t offset, address, physical_address, file_bytes, memory_bytes, alignment;
};
static_assert(sizeof(struct elf_program) == 56, "ELF-64");

/* Where the linker has mapped the ELF header; it defines the name itself. */
extern const struct elf_header __ehdr_start __attribute__((weak, visibility("hidden")));

/* Its address in the linked image is 0. A compiler that compares it with NULL in the linker's table
 * of addresses would find that there, so it is to be in a register first. */
static const struct elf_header *own_header(void)
{
    const struct elf_header *header = &__ehdr_start;
    __asm__("" : "+r"(header));
    return header;
}

static const struct elf_program *program_at(size_t index)
{
    size_t offset = own_header()->programs_offset + index * sizeof(struct elf_program);
    struct view headers = view_from(own_header(), offset + sizeof(struct elf_program));
    return (const struct elf_program *)(const void *)view_from_offset(headers, offset).bytes;
}

/* From the byte on that the linker chose this address for; the first part that is loaded is the one
 * that the header is in. */
static struct view bytes_of(const struct elf_program *program)
{
    size_t first = 0;
    while (program_at(first)->type != PROGRAM_LOAD)
        first++;
    size_t offset = program->address - program_at(first)->address;
    return view_from_offset(view_from(own_header(), offset + program->memory_bytes), offset);
}

static struct view find(uint32_t type, uint32_t flags, size_t which)
{
    if (own_header() == NULL) return VIEW("");
    for (size_t i = 0; i < own_header()->program_count; i++) {
        const struct elf_program *program = program_at(i);
        if (program->type == type && program->flags == flags && which-- == 0)
            return bytes_of(program);
    }
    return VIEW("");
}

struct view segment_code(void)
{
    return find(PROGRAM_LOAD, READABLE_AND_EXECUTABLE, 0);
}

struct view segment_notes(size_t which)
{
    return find(PROGRAM_NOTE, READABLE, which);
}
