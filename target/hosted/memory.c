/* memory.c - pools from anonymous mappings, which cost nothing until they are touched.
 *
 * SPDX-License-Identifier: ISC */
#include "target/memory.h"

#include <sys/mman.h>

#include "base/assert.h"
#include "base/units.h"

#define LOG_MODULE "memory"
#include "log/log.h"

#define PAGE_BYTES ((size_t)4096)

static size_t whole_pages(size_t length_bytes)
{
    return (length_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

enum result memory_take(size_t length_bytes, struct span *memory)
{
    assert(length_bytes > 0);
    void *pages = mmap(NULL, whole_pages(length_bytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) {
        log_error(
            "the host does not give %zu MiB of memory; make the pools smaller (--help lists them)",
            length_bytes / (size_t)MIB);
        *memory = (struct span){ 0 };
        return FULL;
    }
    /* Huge pages would make a pool of which little is used as large as one that is full. */
    (void)madvise(pages, whole_pages(length_bytes), MADV_NOHUGEPAGE);
    *memory = span_from(pages, length_bytes);
    return OK;
}

uint64_t memory_machine_bytes(void)
{
    return UINT64_MAX;
}

void memory_give_back(struct span memory)
{
    if (memory.length_bytes == 0) return;
    int unmapped = munmap(memory.bytes, whole_pages(memory.length_bytes));
    assert(unmapped == 0);
}
