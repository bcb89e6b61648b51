/* node_symbol.c - the names of functions in a node, from the symbols of its image's file.
 *
 * The copy that is loaded has none, and the names are wanted only when a node has panicked.
 *
 * Source: System V ABI, "Object Files" (ELF-64).
 *
 * SPDX-License-Identifier: ISC */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/sim/node_image.h"

static struct span map_file(const char *path)
{
    struct span file = { 0 };
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return file;
    struct stat status;
    if (fstat(descriptor, &status) == 0 && status.st_size > 0) {
        void *pages = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (pages != MAP_FAILED) file = span_from(pages, (size_t)status.st_size);
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

static bool find_symbols(struct view file, Elf64_Shdr *symbols, Elf64_Shdr *names)
{
    Elf64_Ehdr header;
    if (!file_read(file, 0, SPAN_OF(header))) return false;
    for (unsigned i = 0; i < header.e_shnum; i++) {
        if (!file_read(file, header.e_shoff + i * sizeof *symbols, SPAN_OF(*symbols))) return false;
        if (symbols->sh_type != SHT_SYMTAB) continue;
        return file_read(file, header.e_shoff + symbols->sh_link * sizeof *names, SPAN_OF(*names));
    }
    return false;
}

static bool find_function(struct view file, uintptr_t address, Elf64_Sym *found,
                          uint64_t *name_offset)
{
    Elf64_Shdr symbols, names;
    if (!find_symbols(file, &symbols, &names)) return false;
    for (uint64_t at = 0; at + sizeof *found <= symbols.sh_size; at += sizeof *found) {
        if (!file_read(file, symbols.sh_offset + at, SPAN_OF(*found))) return false;
        if (ELF64_ST_TYPE(found->st_info) != STT_FUNC || address < found->st_value ||
            address - found->st_value >= found->st_size)
            continue;
        *name_offset = names.sh_offset + found->st_name;
        return *name_offset < file.length_bytes;
    }
    return false;
}

bool node_image_symbol(const struct node_image *image, const char *path, uintptr_t address,
                       struct view *name, uintptr_t *offset_bytes)
{
    static char room[128];
    const struct link_map *map;
    if (dlinfo(image->library, RTLD_DI_LINKMAP, &map) != 0 || address < map->l_addr) return false;
    address -= map->l_addr;

    Elf64_Sym symbol;
    uint64_t name_offset;
    struct span memory = map_file(path);
    struct view file = span_view(memory);
    bool found = find_function(file, address, &symbol, &name_offset);
    if (found) {
        struct view rest = view_from_offset(file, name_offset);
        rest = view_first(rest, view_find_byte(rest, 0));
        (void)snprintf(room, sizeof room, "%.*s", VIEW_FORMAT(rest));
        *name = view_from_string(room);
        *offset_bytes = address - symbol.st_value;
    }
    if (memory.length_bytes > 0) (void)munmap(memory.bytes, memory.length_bytes);
    return found;
}
