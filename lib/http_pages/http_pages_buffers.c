/* http_pages_buffers.c - the bounded pool of buffers through which values pass that are not in
 * memory. They are not on the stacks of sessions, which are small.
 *
 * A free buffer holds the node that links it:   | node | unused ... |
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_page.h"

#include "target/memory.h"

#define BUFFER_COUNT_DEFAULT ((size_t)16)
#define BUFFER_WAIT_NS       (10 * S_NS)

/* A small machine gives a 64th of its memory at most. */
static size_t default_count(void)
{
    uint64_t share = memory_machine_bytes() / 64 / HTTP_PAGES_BUFFER_BYTES;
    return share < BUFFER_COUNT_DEFAULT ? MAX((size_t)share, 1) : BUFFER_COUNT_DEFAULT;
}

enum result http_pages_buffers_open(struct http_pages *pages)
{
    size_t count = pages->options.buffer_count;
    if (count == 0) count = default_count();
    list_init(&pages->buffers);
    waiters_init(&pages->waiters);
    enum result result = memory_take(count * HTTP_PAGES_BUFFER_BYTES, &pages->memory);
    if (result != OK) return result;
    for (size_t i = 0; i < count; i++) {
        struct span buffer = span_from_offset(pages->memory, i * HTTP_PAGES_BUFFER_BYTES);
        http_pages_buffer_give(pages, span_first(buffer, HTTP_PAGES_BUFFER_BYTES));
    }
    return OK;
}

void http_pages_buffers_close(struct http_pages *pages)
{
    assert(waiters_is_empty(&pages->waiters));
    memory_give_back(pages->memory);
    pages->memory = (struct span){ 0 };
}

enum result http_pages_buffer_take(struct http_pages *pages, struct span *buffer)
{
    uint64_t deadline_ns = deadline_after(loop_now_ns(), BUFFER_WAIT_NS);
    while (list_is_empty(&pages->buffers)) {
        enum result result = waiters_wait(&pages->waiters, "buffer for a page", deadline_ns);
        if (result != OK) return result == TIMED_OUT ? FULL : result;
    }
    *buffer = span_from(list_take(&pages->buffers), HTTP_PAGES_BUFFER_BYTES);
    return OK;
}

void http_pages_buffer_give(struct http_pages *pages, struct span buffer)
{
    struct list_node *node = (void *)buffer.bytes;
    *node = (struct list_node){ 0 };
    list_prepend(&pages->buffers, node);
    waiters_wake_one(&pages->waiters);
}
