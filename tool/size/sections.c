/* sections.c - reading an image's section headers (System V ABI, "Sections").
 *
 * SPDX-License-Identifier: ISC */
#include "size/sections.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"

static bool read_at(FILE *file, uint64_t offset, void *room, size_t length)
{
    return fseek(file, (long)offset, SEEK_SET) == 0 && fread(room, 1, length, file) == length;
}

/* As size(1) counts: what is code or read-only is its "text", the rest data or, without contents,
 * bss. */
static enum size_kind kind_of(const Elf64_Shdr *header)
{
    if ((header->sh_flags & SHF_EXECINSTR) != 0) return SIZE_TEXT;
    if ((header->sh_flags & SHF_WRITE) == 0) return SIZE_RODATA;
    return header->sh_type == SHT_NOBITS ? SIZE_BSS : SIZE_DATA;
}

static void section_add(struct sections *sections, FILE *file, const Elf64_Shdr *header,
                        uint64_t names)
{
    struct section *section = &sections->sections[sections->count];
    if ((header->sh_flags & SHF_ALLOC) == 0 || sections->count == SECTIONS_MAX) return;
    *section = (struct section){ .kind = kind_of(header),
                                 .address = header->sh_addr,
                                 .size_bytes = header->sh_size };
    if (fseek(file, (long)(names + header->sh_name), SEEK_SET) != 0) return;
    for (size_t i = 0; i + 1 < SECTION_NAME_MAX; i++) {
        int letter = fgetc(file);
        if (letter <= 0) break;
        section->name[i] = (char)letter;
    }
    sections->count++;
}

void sections_read(struct sections *sections, const char *image)
{
    Elf64_Ehdr elf;
    Elf64_Shdr names, header;
    FILE *file = fopen(image, "r");
    if (file == NULL) fail("cannot read %s: %s", image, strerror(errno));
    if (!read_at(file, 0, &elf, sizeof elf) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
        elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_shentsize != sizeof header ||
        !read_at(file, elf.e_shoff + (uint64_t)elf.e_shstrndx * sizeof names, &names,
                 sizeof names)) {
        fail("%s: this is no 64-bit ELF image with sections; build it again", image);
    }
    sections->count = 0;
    for (uint64_t i = 0; i < elf.e_shnum; i++) {
        if (!read_at(file, elf.e_shoff + i * sizeof header, &header, sizeof header)) {
            fail("%s: its section headers are cut short; build it again", image);
        }
        section_add(sections, file, &header, names.sh_offset);
    }
    fclose(file);
}

struct section *sections_find(struct sections *sections, const char *name)
{
    for (size_t i = 0; i < sections->count; i++) {
        if (strcmp(sections->sections[i].name, name) == 0) return &sections->sections[i];
    }
    return NULL;
}
