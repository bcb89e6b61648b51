/* guest_pages.c - walks the page tables (AMD64 architecture, volume 2, 5.3) as the processor does.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/guest_pages.h"

#include "base/assert.h"
#include "base/units.h"

#define PAGE_BITS     12
#define LEVEL_BITS    9
#define ADDRESS_BITS  47 /* of programs: behind them nothing is ever mapped */
#define ENTRY_PRESENT ((uint64_t)1)
#define ENTRY_TOUCHED ((uint64_t)1 << 5)
#define ENTRY_LARGE   ((uint64_t)1 << 7)
#define ENTRY_ADDRESS (((uint64_t)1 << 52) - ((uint64_t)1 << PAGE_BITS))

static uint64_t entry_at(const struct guest_pages *pages, uint64_t table, uint64_t index)
{
    uint64_t entry;
    uint64_t offset_bytes = table + index * sizeof entry;
    assert_that(offset_bytes, <=, pages->all.length_bytes - sizeof entry);
    struct view bytes = view_slice(span_view(pages->all), offset_bytes, sizeof entry);
    (void)span_copy(SPAN_OF(entry), bytes);
    return entry;
}

struct span guest_pages_at(const struct guest_pages *pages, uint64_t address)
{
    const struct span nothing = { .length_bytes = 0 };
    if (address >> ADDRESS_BITS != 0) return nothing;
    uint64_t table = pages->root;
    for (unsigned level = 4; level-- > 0;) {
        unsigned shift = PAGE_BITS + LEVEL_BITS * level;
        uint64_t index = (address >> shift) % ((uint64_t)1 << LEVEL_BITS);
        uint64_t entry = entry_at(pages, table, index);
        if ((entry & ENTRY_PRESENT) == 0) return nothing;
        table = entry & ENTRY_ADDRESS;
        if (level == 0 || (entry & ENTRY_LARGE) != 0) {
            uint64_t page_bytes = (uint64_t)1 << shift, skipped = address % page_bytes;
            assert_that(table + page_bytes, <=, pages->all.length_bytes);
            return span_first(span_from_offset(pages->all, table + skipped), page_bytes - skipped);
        }
    }
    return nothing;
}

size_t guest_pages_read(const struct guest_pages *pages, uint64_t address, struct span room)
{
    size_t wanted_bytes = room.length_bytes;
    while (room.length_bytes > 0) {
        struct view there = span_view(guest_pages_at(pages, address));
        if (view_is_empty(there)) break;
        there = view_first(there, MIN(there.length_bytes, room.length_bytes));
        room = span_copy(room, there);
        address += there.length_bytes;
    }
    return wanted_bytes - room.length_bytes;
}

static bool is_mapped(const struct guest_pages *pages, uint64_t address, uint64_t length_bytes)
{
    while (length_bytes > 0) {
        uint64_t there = guest_pages_at(pages, address).length_bytes;
        if (there == 0) return false;
        address += there;
        length_bytes -= MIN(there, length_bytes);
    }
    return true;
}

bool guest_pages_write(const struct guest_pages *pages, uint64_t address, struct view bytes)
{
    if (!is_mapped(pages, address, bytes.length_bytes)) return false;
    while (bytes.length_bytes > 0) {
        struct span there = guest_pages_at(pages, address);
        size_t part_bytes = MIN(there.length_bytes, bytes.length_bytes);
        (void)span_copy(there, view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
        address += part_bytes;
    }
    return true;
}

/* ---- what has been touched ---- */

static void clear_touched(const struct guest_pages *pages, uint64_t table, uint64_t index,
                          uint64_t entry)
{
    entry &= ~ENTRY_TOUCHED;
    (void)span_copy(span_from_offset(pages->all, table + index * sizeof entry), VIEW_OF(entry));
}

/* Four levels deep at most. */
static void take_touched(const struct guest_pages *pages, uint64_t table, unsigned level,
                         struct guest_pages_touched *touched)
{
    for (uint64_t index = 0; index < (uint64_t)1 << LEVEL_BITS; index++) {
        uint64_t entry = entry_at(pages, table, index);
        bool is_last = level == 0 || (entry & ENTRY_LARGE) != 0;
        if ((entry & ENTRY_PRESENT) == 0) continue;
        if (!is_last) take_touched(pages, entry & ENTRY_ADDRESS, level - 1, touched);
        if (!is_last || (entry & ENTRY_TOUCHED) == 0) continue;
        clear_touched(pages, table, index, entry);
        if (level == 0)
            touched->small++;
        else
            touched->large++;
    }
}

struct guest_pages_touched guest_pages_take_touched(const struct guest_pages *pages)
{
    struct guest_pages_touched touched = { .small = 0 };
    take_touched(pages, pages->root, 3, &touched);
    return touched;
}
