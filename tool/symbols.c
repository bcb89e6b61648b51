/* symbols.c - the functions in an image's .symtab (System V ABI, "Symbol Table").
 *
 * SPDX-License-Identifier: ISC */
#include "symbols.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTION_BYTES_MAX = 1 << 28 };

static bool read_at(FILE *file, uint64_t offset, void *room, size_t length)
{
    return offset <= INT64_MAX && fseek(file, (long)offset, SEEK_SET) == 0 &&
           fread(room, 1, length, file) == length;
}

static bool section_at(FILE *file, const Elf64_Ehdr *elf, uint32_t index, Elf64_Shdr *section)
{
    return index < elf->e_shnum &&
           read_at(file, elf->e_shoff + index * sizeof *section, section, sizeof *section);
}

static bool section_of_symbols(FILE *file, const Elf64_Ehdr *elf, Elf64_Shdr *section)
{
    for (uint32_t i = 0; section_at(file, elf, i, section); i++) {
        if (section->sh_type == SHT_SYMTAB) return true;
    }
    return false;
}

/* A section's contents, with a NUL behind them; it stays as long as the command runs, for names are
 * in it. NULL: the file has not so much. */
static void *contents_of(FILE *file, const Elf64_Shdr *section)
{
    if (section->sh_size > SECTION_BYTES_MAX) return NULL;
    char *room = calloc(1, section->sh_size + 1);
    if (room == NULL) abort();
    if (read_at(file, section->sh_offset, room, section->sh_size)) return room;
    free(room);
    return NULL;
}

static int by_address(const void *left, const void *right)
{
    const struct symbol *a = left, *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

static bool is_function(const Elf64_Sym *entry, uint64_t name_bytes)
{
    return ELF64_ST_TYPE(entry->st_info) == STT_FUNC && entry->st_size > 0 &&
           entry->st_name < name_bytes;
}

static struct symbols functions_of(const Elf64_Sym *entries, size_t count, const char *names,
                                   uint64_t name_bytes)
{
    struct symbols symbols = { calloc(count + 1, sizeof *symbols.symbols), 0 };
    if (symbols.symbols == NULL) abort();
    for (size_t i = 0; i < count; i++) {
        if (!is_function(&entries[i], name_bytes)) continue;
        symbols.symbols[symbols.count++] = (struct symbol){ .address = entries[i].st_value,
                                                            .size_bytes = entries[i].st_size,
                                                            .name = &names[entries[i].st_name] };
    }
    qsort(symbols.symbols, symbols.count, sizeof *symbols.symbols, by_address);
    return symbols;
}

static struct symbols symbols_of(FILE *file)
{
    Elf64_Ehdr elf;
    Elf64_Shdr table, names;
    if (!read_at(file, 0, &elf, sizeof elf) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
        elf.e_ident[EI_CLASS] != ELFCLASS64 || !section_of_symbols(file, &elf, &table) ||
        !section_at(file, &elf, table.sh_link, &names))
        return (struct symbols){ NULL, 0 };
    const Elf64_Sym *entries = contents_of(file, &table);
    const char *text = contents_of(file, &names);
    if (entries == NULL || text == NULL) return (struct symbols){ NULL, 0 };
    return functions_of(entries, table.sh_size / sizeof *entries, text, names.sh_size);
}

struct symbols symbols_read(const char *image)
{
    FILE *file = fopen(image, "r");
    if (file == NULL) return (struct symbols){ NULL, 0 };
    struct symbols symbols = symbols_of(file);
    fclose(file);
    return symbols;
}

const struct symbol *symbols_find(const struct symbols *symbols, uint64_t address)
{
    const struct symbol *found = NULL;
    for (size_t first = 0, last = symbols->count; first < last;) {
        size_t middle = first + (last - first) / 2;
        if (symbols->symbols[middle].address <= address) {
            found = &symbols->symbols[middle];
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return found != NULL && address - found->address < found->size_bytes ? found : NULL;
}
