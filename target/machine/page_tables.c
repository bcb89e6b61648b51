/* page_tables.c - page tables of four levels, as the AMD64 architecture has them (volume 2, 5.3).
 *
 * "Accessed" and "dirty" are set from the start, so that the processor never has to write to them.
 *
 * SPDX-License-Identifier: ISC */
#include "target/machine/page_tables.h"

#include "base/units.h"

#define PAGE_BITS  12
#define LEVEL_BITS 9
#define LARGE      ((uint64_t)1 << (PAGE_BITS + LEVEL_BITS))

#define ENTRY_PRESENT    ((uint64_t)1)
#define ENTRY_WRITE      ((uint64_t)1 << 1)
#define ENTRY_USER       ((uint64_t)1 << 2)
#define ENTRY_UNCACHED   ((uint64_t)3 << 3)
#define ENTRY_USED       ((uint64_t)3 << 5)
#define ENTRY_LARGE      ((uint64_t)1 << 7)
#define ENTRY_NO_EXECUTE ((uint64_t)1 << 63)
#define ENTRY_ADDRESS    (((uint64_t)1 << 52) - MACHINE_PAGE_BYTES)

/* Rights are decided in the last level alone. */
#define ENTRY_TABLE (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_USED)

static uint64_t entry_of(enum page_rights rights)
{
    const uint64_t always = ENTRY_PRESENT | ENTRY_USED;
    switch (rights) {
    case PAGES_READ: return always | ENTRY_USER | ENTRY_NO_EXECUTE;
    case PAGES_WRITE: return always | ENTRY_USER | ENTRY_WRITE | ENTRY_NO_EXECUTE;
    case PAGES_EXECUTE: return always | ENTRY_USER;
    case PAGES_SYSTEM: return always | ENTRY_WRITE | ENTRY_NO_EXECUTE;
    case PAGES_MONITOR: return always | ENTRY_WRITE;
    case PAGES_REGISTERS:
        return always | ENTRY_USER | ENTRY_WRITE | ENTRY_UNCACHED | ENTRY_NO_EXECUTE;
    }
    panic("%u are no rights of pages", rights);
}

void page_tables_init(struct page_tables *tables, struct span room, uint64_t physical,
                      uint64_t slide)
{
    assert((uintptr_t)room.bytes % MACHINE_PAGE_BYTES == 0 && physical % MACHINE_PAGE_BYTES == 0);
    *tables = (struct page_tables){
        .pages = (struct page_table *)(void *)room.bytes,
        .physical = physical,
        .count = room.length_bytes / MACHINE_PAGE_BYTES,
        .used = 1,
        .slide = slide,
    };
    assert_that(tables->count, >=, 1);
}

/* The index of an address in a table of this level: 0 the last, 3 the root. */
static size_t index_at(uint64_t address, unsigned level)
{
    return (size_t)(address >> (PAGE_BITS + LEVEL_BITS * level)) % PAGE_ENTRIES;
}

/* The table that an entry leads to, made where there is none. */
static struct page_table *table_below(struct page_tables *tables, uint64_t *entry)
{
    if (*entry == 0) {
        assert_that(tables->used, <, tables->count);
        *entry = (tables->physical + tables->used * MACHINE_PAGE_BYTES) | ENTRY_TABLE;
        tables->used++;
    }
    assert((*entry & ENTRY_LARGE) == 0);
    size_t index = (size_t)(((*entry & ENTRY_ADDRESS) - tables->physical) / MACHINE_PAGE_BYTES);
    assert_that(index, <, tables->used);
    return &tables->pages[index];
}

/* The table of level `level` that an address goes through. */
static struct page_table *table_for(struct page_tables *tables, uint64_t address, unsigned level)
{
    struct page_table *table = &tables->pages[0];
    for (unsigned at = 3; at > level; at--)
        table = table_below(tables, &table->entries[index_at(address, at)]);
    return table;
}

/* Maps as many pages as one last table holds; returns how many bytes. */
static uint64_t map_small(struct page_tables *tables, uint64_t physical, uint64_t length_bytes,
                          uint64_t entry)
{
    uint64_t address = physical + tables->slide;
    struct page_table *table = table_for(tables, address, 0);
    size_t first = index_at(address, 0);
    size_t count = (size_t)MIN(length_bytes / MACHINE_PAGE_BYTES, PAGE_ENTRIES - first);
    for (size_t i = 0; i < count; i++) {
        assert(table->entries[first + i] == 0);
        table->entries[first + i] = (physical + i * MACHINE_PAGE_BYTES) | entry;
    }
    return count * MACHINE_PAGE_BYTES;
}

static uint64_t map_large(struct page_tables *tables, uint64_t physical, uint64_t entry)
{
    uint64_t address = physical + tables->slide;
    uint64_t *place = &table_for(tables, address, 1)->entries[index_at(address, 1)];
    assert(*place == 0);
    *place = physical | entry | ENTRY_LARGE;
    return LARGE;
}

void page_tables_map(struct page_tables *tables, uint64_t physical, uint64_t length_bytes,
                     enum page_rights rights, bool large)
{
    const uint64_t entry = entry_of(rights);
    assert(physical % MACHINE_PAGE_BYTES == 0 && length_bytes % MACHINE_PAGE_BYTES == 0);
    assert(tables->slide % LARGE == 0);
    while (length_bytes > 0) {
        bool fits = large && physical % LARGE == 0 && length_bytes >= LARGE;
        uint64_t mapped = fits ? map_large(tables, physical, entry)
                               : map_small(tables, physical, length_bytes, entry);
        physical += mapped;
        length_bytes -= mapped;
    }
}
