/* page_runs_test.c - the machine's memory against a model of it: a byte a page.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/page_runs.h"

#include "target/entropy.h"
#include "target/memory.h"
#include "test/test.h"

#define PAGES 64
#define PAGE  PAGE_RUNS_PAGE_BYTES

struct arena {
    struct span memory;
    struct page_runs runs;
};

static void arena_open(struct arena *arena)
{
    expect_ok(memory_take(PAGES * PAGE, &arena->memory));
    page_runs_open(&arena->runs, arena->memory);
}

static void arena_close(struct arena *arena)
{
    memory_give_back(arena->memory);
}

static bool is_zero(struct span span)
{
    for (size_t i = 0; i < span.length_bytes; i++) {
        if (span.bytes[i] != 0) return false;
    }
    return true;
}

TEST(memory_is_given_from_the_lowest_address_and_joined_again)
{
    struct arena arena;
    struct span a, b, c, all;
    arena_open(&arena);
    expect_ok(page_runs_take(&arena.runs, 1, &a));
    expect_ok(page_runs_take(&arena.runs, PAGE + 1, &b));
    expect_ok(page_runs_take(&arena.runs, PAGE, &c));
    expect(a.bytes == arena.memory.bytes && b.bytes == a.bytes + PAGE);
    expect(c.bytes == b.bytes + 2 * PAGE);
    expect_that(a.length_bytes, ==, 1);
    expect_that(arena.runs.free_bytes, ==, (PAGES - 4) * PAGE);
    /* Each of the ways to come back: alone, before a free run, behind one, between two. */
    page_runs_give_back(&arena.runs, b);
    page_runs_give_back(&arena.runs, a);
    expect_that(page_runs_longest_bytes(&arena.runs), ==, (PAGES - 4) * PAGE);
    page_runs_give_back(&arena.runs, c);
    expect_that(page_runs_longest_bytes(&arena.runs), ==, PAGES * PAGE);
    expect_ok(page_runs_take(&arena.runs, PAGES * PAGE, &all));
    expect(is_zero(all));
    page_runs_give_back(&arena.runs, all);
    arena_close(&arena);
}

TEST(memory_that_is_not_there_is_full)
{
    struct arena arena;
    struct span first, second, more;
    arena_open(&arena);
    expect_result(page_runs_take(&arena.runs, PAGES * PAGE + 1, &more), FULL);
    expect_result(page_runs_take(&arena.runs, SIZE_MAX, &more), FULL);
    expect_ok(page_runs_take(&arena.runs, PAGES / 2 * PAGE, &first));
    expect_ok(page_runs_take(&arena.runs, PAGES / 2 * PAGE, &second));
    expect_result(page_runs_take(&arena.runs, 1, &more), FULL);
    expect_that(more.length_bytes, ==, 0);
    page_runs_give_back(&arena.runs, first);
    expect_result(page_runs_take(&arena.runs, PAGES / 2 * PAGE + 1, &more), FULL);
    page_runs_give_back(&arena.runs, second);
    arena_close(&arena);
}

/* ---- random, against the model ---- */

struct model {
    struct arena arena;
    struct span taken[PAGES]; /* by the number of their first page; empty: none */
    bool used[PAGES];
};

static size_t page_of(const struct model *model, struct span span)
{
    return (size_t)((uintptr_t)span.bytes - (uintptr_t)model->arena.memory.bytes) / PAGE;
}

static void mark(struct model *model, struct span span, bool used)
{
    size_t first = page_of(model, span), count = (span.length_bytes + PAGE - 1) / PAGE;
    for (size_t page = first; page < first + count; page++) {
        expect(model->used[page] != used);
        model->used[page] = used;
    }
    model->taken[first] = used ? span : (struct span){ 0 };
}

/* The first run of free pages that is long enough; PAGES: none. */
static size_t model_fit(const struct model *model, size_t count)
{
    size_t run = 0;
    for (size_t page = 0; page < PAGES; page++) {
        run = model->used[page] ? 0 : run + 1;
        if (run == count) return page + 1 - count;
    }
    return PAGES;
}

static void take_some(struct model *model, uint64_t random)
{
    struct span taken;
    size_t length_bytes = 1 + (size_t)(random % (9 * PAGE));
    size_t page = model_fit(model, (length_bytes + PAGE - 1) / PAGE);
    enum result result = page_runs_take(&model->arena.runs, length_bytes, &taken);
    expect((result == OK) == (page < PAGES));
    if (result != OK) return;
    expect_that(page_of(model, taken), ==, page);
    expect(is_zero(taken));
    mark(model, taken, true);
    span_fill(taken, 0xa5);
}

static void give_some_back(struct model *model, uint64_t random)
{
    struct span taken = model->taken[random % PAGES];
    if (taken.length_bytes == 0) return;
    for (size_t i = 0; i < taken.length_bytes; i++)
        expect(taken.bytes[i] == 0xa5);
    mark(model, taken, false);
    page_runs_give_back(&model->arena.runs, taken);
}

TEST(memory_behaves_as_its_model)
{
    static struct model model;
    model = (struct model){ 0 };
    arena_open(&model.arena);
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t random = entropy_u64();
        if (random >> 62 == 0) {
            take_some(&model, random);
        } else {
            give_some_back(&model, random);
        }
        size_t used = 0;
        for (size_t page = 0; page < PAGES; page++)
            used += model.used[page];
        expect_that(model.arena.runs.free_bytes, ==, (PAGES - used) * PAGE);
    }
    arena_close(&model.arena);
}
