/* symbol.c - reads .symtab of /proc/self/exe. Works in a crash: no allocation beyond one mapping,
 * and every offset in the file is checked.
 *
 * Source: System V ABI, "Object Files" (ELF-64).
 *
 * SPDX-License-Identifier: ISC */
#include "target/hosted/symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The linker puts it at the first byte of the loaded image. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static struct view map_executable(void)
{
    struct view file = { 0 };
    int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return file;
    struct stat status;
    if (fstat(descriptor, &status) == 0 && status.st_size > 0) {
        void *pages = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (pages != MAP_FAILED) file = view_from(pages, (size_t)status.st_size);
    }
    (void)close(descriptor);
    return file;
}

/* A copy of the structure at the offset; false where the file ends before it does. */
static bool file_read(struct view file, uint64_t offset_bytes, struct span structure)
{
    if (offset_bytes > file.length_bytes ||
        structure.length_bytes > file.length_bytes - offset_bytes)
        return false;
    (void)span_copy(structure, view_slice(file, offset_bytes, structure.length_bytes));
    return true;
}

static bool find_section(struct view file, const Elf64_Ehdr *header, uint32_t type,
                         Elf64_Shdr *section)
{
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (!file_read(file, header->e_shoff + i * sizeof *section, SPAN_OF(*section)))
            return false;
        if (section->sh_type == type) return true;
    }
    return false;
}

static struct view name_at(struct view file, const Elf64_Shdr *names, uint32_t offset_bytes)
{
    if (names->sh_offset > file.length_bytes ||
        names->sh_size > file.length_bytes - names->sh_offset || offset_bytes >= names->sh_size)
        return (struct view){ 0 };
    struct view rest = view_slice(file, names->sh_offset + offset_bytes,
                                  names->sh_size - offset_bytes);
    return view_first(rest, view_find_byte(rest, 0));
}

bool symbol_find(uintptr_t address, struct view *name, uintptr_t *offset_bytes)
{
    struct view file = map_executable();
    Elf64_Ehdr header;
    Elf64_Shdr symbols, names;
    if (!file_read(file, 0, SPAN_OF(header)) ||
        !find_section(file, &header, SHT_SYMTAB, &symbols) ||
        !file_read(file, header.e_shoff + symbols.sh_link * sizeof names, SPAN_OF(names)))
        return false;

    /* The addresses in the file of a position-independent executable begin at zero. */
    uint64_t base = header.e_type == ET_DYN ? (uint64_t)(uintptr_t)&__ehdr_start : 0;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.sh_size; at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        if (!file_read(file, symbols.sh_offset + at, SPAN_OF(symbol))) return false;
        uint64_t start = base + symbol.st_value;
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || address < start ||
            address - start >= symbol.st_size)
            continue;
        *name = name_at(file, &names, symbol.st_name);
        *offset_bytes = address - start;
        return true;
    }
    return false;
}
