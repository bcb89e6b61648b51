/* memory.c - pools from the machine's free memory; in a debug image between red zones.
 *
 * SPDX-License-Identifier: ISC */
#include "target/memory.h"

#include "base/units.h"
#include "target/vm/boot.h"
#include "target/vm/libc/malloc.h"
#include "target/vm/memory.h"
#include "target/vm/red_zones.h"
#include "target/vm/services.h"

#define LOG_MODULE "memory"
#include "log/log.h"

/* At most so long goes a pool's breach unnoticed that is never given back. */
#define CHECK_NS (50 * MS_NS)

static struct page_runs runs;
static struct red_zones zones;
static uint64_t checked_ns;

void memory_open(void)
{
    /* An address as the boot pages tell it. */
    void *base = (void *)(uintptr_t)boot_page->memory.base; // NOLINT
    page_runs_open(&runs, span_from(base, boot_page->memory.length_bytes));
}

enum result memory_take(size_t length_bytes, struct span *memory)
{
    assert(length_bytes > 0);
    enum result result = MACHINE_RED_ZONES
                             ? red_zones_take(&zones, &runs, length_bytes,
                                              (uintptr_t)__builtin_return_address(0), memory)
                             : page_runs_take(&runs, length_bytes, memory);
    if (result != OK)
        log_error("the machine has not %zu KiB of memory for a pool, only %zu KiB in one piece; "
                  "give it more (--mem) or make the pools smaller (--help lists them)",
                  length_bytes / (size_t)KIB, page_runs_longest_bytes(&runs) / (size_t)KIB);
    return result;
}

void memory_give_back(struct span memory)
{
    if (memory.length_bytes == 0) return;
    memory_check();
    if (MACHINE_RED_ZONES) {
        red_zones_give_back(&zones, &runs, memory);
    } else {
        page_runs_give_back(&runs, memory);
    }
}

/* First the pools, then the objects on the heap of foreign archives, if there is one. */
bool memory_find_breach(size_t *at, struct breach *breach)
{
    if (!MACHINE_RED_ZONES) return false;
    if (red_zones_find_breach(&zones, at, breach)) return true;
    size_t object = *at - RED_ZONES_POOLS_MAX;
    bool has_breach = malloc_find_breach(&object, breach);
    *at = object + RED_ZONES_POOLS_MAX;
    return has_breach;
}

void memory_check(void)
{
    struct breach breach;
    size_t at = 0;
    if (memory_find_breach(&at, &breach)) panic("memory beyond a pool has been written to");
}

void memory_check_at(uint64_t now_ns)
{
    if (!MACHINE_RED_ZONES || now_ns - checked_ns < CHECK_NS) return;
    checked_ns = now_ns;
    memory_check();
}

uint64_t memory_machine_bytes(void)
{
    return runs.memory.length_bytes;
}

size_t memory_taken_bytes(void)
{
    return runs.memory.length_bytes - runs.free_bytes;
}
