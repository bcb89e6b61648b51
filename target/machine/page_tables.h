/* page_tables.h - the tables that say which page of the machine is where, and what may be done with
 * it. Within target/machine.
 *
 * They are made once and in order: a page that has been mapped is not mapped again.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PAGE_TABLES_H
#define LOOM_PAGE_TABLES_H

#include <stdbool.h>

#include "base/view.h"
#include "target/machine/machine.h"

#define PAGE_ENTRIES 512

/* One page of tables, of any of the four levels (AMD64 architecture, volume 2, 5.3). */
struct page_table {
    uint64_t entries[PAGE_ENTRIES];
};

/* What ring 3 may do. With PAGES_SYSTEM it may do nothing, and ring 0 reads and writes. */
enum page_rights {
    PAGES_READ,
    PAGES_WRITE,   /* and read */
    PAGES_EXECUTE, /* and read */
    PAGES_SYSTEM,
    PAGES_MONITOR,   /* the same, and ring 0 executes */
    PAGES_REGISTERS, /* as PAGES_WRITE; never cached */
};

struct page_tables {
    struct page_table *pages;
    uint64_t physical; /* of the first */
    size_t count, used;
    uint64_t slide; /* from physical addresses to virtual ones */
};

/* `room` is zeroed and begins on a page; the root of the tables is its first one. */
void page_tables_init(struct page_tables *tables, struct span room, uint64_t physical,
                      uint64_t slide);

/* Maps whole pages where they lie (virtual = physical + slide). `large`: in pages of 2 MiB as far
 * as that goes. There is room in the tables: machine_tables_bytes. */
void page_tables_map(struct page_tables *tables, uint64_t physical, uint64_t length_bytes,
                     enum page_rights rights, bool large);

#endif
