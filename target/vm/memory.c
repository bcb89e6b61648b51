/* memory.c - pools from the machine's free memory.
 *
 * SPDX-License-Identifier: ISC */
#include "target/memory.h"

#include "base/units.h"
#include "target/vm/boot.h"
#include "target/vm/memory.h"
#include "target/vm/page_runs.h"
#include "target/vm/services.h"

#define LOG_MODULE "memory"
#include "log/log.h"

static struct page_runs runs;

void memory_open(void)
{
    /* An address as the boot pages tell it. */
    void *base = (void *)(uintptr_t)boot_page->memory.base; // NOLINT
    page_runs_open(&runs, span_from(base, boot_page->memory.length_bytes));
}

enum result memory_take(size_t length_bytes, struct span *memory)
{
    assert(length_bytes > 0);
    enum result result = page_runs_take(&runs, length_bytes, memory);
    if (result != OK)
        log_error("the machine has not %zu KiB of memory for a pool, only %zu KiB in one piece; "
                  "give it more (--mem) or make the pools smaller (--help lists them)",
                  length_bytes / (size_t)KIB, page_runs_longest_bytes(&runs) / (size_t)KIB);
    return result;
}

void memory_give_back(struct span memory)
{
    if (memory.length_bytes > 0) page_runs_give_back(&runs, memory);
}

uint64_t memory_machine_bytes(void)
{
    return runs.memory.length_bytes;
}

size_t memory_taken_bytes(void)
{
    return runs.memory.length_bytes - runs.free_bytes;
}
