/* page_runs.c - see page_runs.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/page_runs.h"

#include "base/units.h"

struct page_run {
    struct list_node node;
    size_t length_bytes;
};

/* The two ends of a run, as offsets. */
static size_t offset_of(const struct page_runs *runs, const struct page_run *run)
{
    return (size_t)((uintptr_t)run - (uintptr_t)runs->memory.bytes);
}

static size_t end_of(const struct page_runs *runs, const struct page_run *run)
{
    return offset_of(runs, run) + run->length_bytes;
}

/* Puts a record at the offset, into the list before `place`. */
static struct page_run *put_record(struct page_runs *runs, size_t offset_bytes, size_t length_bytes,
                                   struct list_node *place)
{
    struct span at = span_from_offset(runs->memory, offset_bytes);
    struct page_run *run = (struct page_run *)(void *)at.bytes;
    *run = (struct page_run){ .length_bytes = length_bytes };
    list_insert_before(place, &run->node);
    return run;
}

static void clear_record(struct page_run *run)
{
    *run = (struct page_run){ 0 };
}

static size_t whole_pages(size_t length_bytes)
{
    return (length_bytes + PAGE_RUNS_PAGE_BYTES - 1) / PAGE_RUNS_PAGE_BYTES * PAGE_RUNS_PAGE_BYTES;
}

void page_runs_open(struct page_runs *runs, struct span memory)
{
    assert_that((uintptr_t)memory.bytes % PAGE_RUNS_PAGE_BYTES, ==, 0);
    size_t length_bytes = memory.length_bytes / PAGE_RUNS_PAGE_BYTES * PAGE_RUNS_PAGE_BYTES;
    *runs = (struct page_runs){ .memory = span_first(memory, length_bytes),
                                .free_bytes = length_bytes };
    list_init(&runs->free);
    if (length_bytes > 0) (void)put_record(runs, 0, length_bytes, &runs->free.head);
}

static struct page_run *first_fit(const struct page_runs *runs, size_t length_bytes)
{
    list_for_each (node, &runs->free) {
        struct page_run *run = CONTAINER_OF(node, struct page_run, node);
        if (run->length_bytes >= length_bytes) return run;
    }
    return NULL;
}

/* Of what is given, the part that was given before. */
static void zero_used(struct page_runs *runs, size_t offset_bytes, struct span taken)
{
    if (offset_bytes < runs->fresh_offset)
        span_fill(span_first(taken, MIN(taken.length_bytes, runs->fresh_offset - offset_bytes)), 0);
    runs->fresh_offset = MAX(runs->fresh_offset, offset_bytes + taken.length_bytes);
}

enum result page_runs_take(struct page_runs *runs, size_t length_bytes, struct span *taken)
{
    *taken = (struct span){ 0 };
    if (length_bytes > runs->free_bytes) return FULL; /* so what follows does not overflow */
    size_t needed_bytes = whole_pages(length_bytes);
    struct page_run *run = first_fit(runs, needed_bytes);
    if (run == NULL) return FULL;

    size_t offset_bytes = offset_of(runs, run), left_bytes = run->length_bytes - needed_bytes;
    struct list_node *behind = run->node.next;
    list_remove(&run->node);
    clear_record(run);
    if (left_bytes > 0) (void)put_record(runs, offset_bytes + needed_bytes, left_bytes, behind);
    runs->free_bytes -= needed_bytes;
    struct span pages = span_first(span_from_offset(runs->memory, offset_bytes), needed_bytes);
    zero_used(runs, offset_bytes, pages);
    *taken = span_first(pages, length_bytes);
    return OK;
}

/* The first free run that lies behind the offset; NULL: none. */
static struct page_run *run_behind(const struct page_runs *runs, size_t offset_bytes)
{
    list_for_each (node, &runs->free) {
        struct page_run *run = CONTAINER_OF(node, struct page_run, node);
        if (offset_of(runs, run) > offset_bytes) return run;
    }
    return NULL;
}

/* Makes one run of two where the second begins at the end of the first. */
static void join(struct page_runs *runs, struct list_node *first, struct list_node *second)
{
    if (first == &runs->free.head || second == &runs->free.head) return;
    struct page_run *before = CONTAINER_OF(first, struct page_run, node);
    struct page_run *behind = CONTAINER_OF(second, struct page_run, node);
    assert_that(end_of(runs, before), <=, offset_of(runs, behind));
    if (end_of(runs, before) < offset_of(runs, behind)) return;
    before->length_bytes += behind->length_bytes;
    list_remove(&behind->node);
    clear_record(behind);
}

void page_runs_give_back(struct page_runs *runs, struct span taken)
{
    size_t offset_bytes = (size_t)((uintptr_t)taken.bytes - (uintptr_t)runs->memory.bytes);
    size_t length_bytes = whole_pages(taken.length_bytes);
    assert_that(offset_bytes % PAGE_RUNS_PAGE_BYTES, ==, 0);
    assert_that(offset_bytes, <, runs->memory.length_bytes);
    assert_that(length_bytes, <=, runs->memory.length_bytes - offset_bytes);

    struct page_run *behind = run_behind(runs, offset_bytes);
    struct list_node *place = behind == NULL ? &runs->free.head : &behind->node;
    struct page_run *run = put_record(runs, offset_bytes, length_bytes, place);
    runs->free_bytes += length_bytes;
    join(runs, &run->node, place);
    join(runs, run->node.prev, &run->node);
}

size_t page_runs_longest_bytes(const struct page_runs *runs)
{
    size_t longest_bytes = 0;
    list_for_each (node, &runs->free) {
        const struct page_run *run = CONTAINER_OF(node, struct page_run, node);
        longest_bytes = MAX(longest_bytes, run->length_bytes);
    }
    return longest_bytes;
}
