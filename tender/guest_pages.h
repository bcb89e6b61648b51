/* guest_pages.h - the machine's memory by the image's own addresses, through its page tables: for a
 * debugger, and for who asks which pages have been touched. Rights are not asked for: a debugger
 * may write to text.
 *
 * The tables are out of the guest's reach, so what they say is believed.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_GUEST_PAGES_H
#define LOOM_TENDER_GUEST_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct guest_pages {
    struct span all; /* from physical 0 on, the tables included */
    uint64_t root;   /* physical */
};

/* What lies at an address, to the end of its page; empty: nothing is mapped there. */
struct span guest_pages_at(const struct guest_pages *pages, uint64_t address);

/* As much as is mapped from the address on; how much that was. */
size_t guest_pages_read(const struct guest_pages *pages, uint64_t address, struct span room);

/* All or nothing. False: not all of it is mapped. */
bool guest_pages_write(const struct guest_pages *pages, uint64_t address, struct view bytes);

/* What the processor has touched since the last call, by the bit that it sets in the tables (AMD64
 * architecture, volume 2, 5.4.2): pages of 4 KiB, and those of 2 MiB. The first call only begins:
 * the tables are made with every bit set. */
struct guest_pages_touched {
    size_t small, large;
};
struct guest_pages_touched guest_pages_take_touched(const struct guest_pages *pages);

#endif
