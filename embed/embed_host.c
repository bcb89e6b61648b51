/* embed_host.c - what the library asks of a target, given by a process: memory, and the end.
 *
 * SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "embed/embed.h"
#include "target/exit.h"
#include "target/memory.h"

#define PAGE_BYTES ((size_t)4096)

/* ---- memory ---- */

static size_t whole_pages(size_t length_bytes)
{
    return (length_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Pages of its own: pools are large, begin as zeros and cost nothing until they are touched. */
enum result memory_take(size_t length_bytes, struct span *memory)
{
    assert(length_bytes > 0);
    void *pages = mmap(NULL, whole_pages(length_bytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) {
        *memory = (struct span){ 0 };
        return FULL;
    }
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

/* ---- the end ---- */

static _Thread_local struct loom_host *current_host;

struct loom_host *embed_set_host(struct loom_host *host)
{
    struct loom_host *before = current_host;
    current_host = host;
    return before;
}

void target_panic(struct view report)
{
    struct loom_host *host = current_host;
    current_host = NULL;
    if (host != NULL && host->panic != NULL)
        (host->panic)(host, (const char *)report.bytes, report.length_bytes);
    else
        (void)fprintf(stderr, "loom: %.*s\n", VIEW_FORMAT(report));
    abort();
}
