/* block_faulty.c - a fiber of its own carries the requests out, one by one: so the plan reads as
 * what happens one after the other, and the disk below may be any.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_faulty.h"

#include "base/units.h"
#include "flow/fault.h"
#include "target/memory.h"

/* ---- chance ---- */

static bool even_chance(struct block_faulty *faulty)
{
    return fault_below(&faulty->random, 2) == 0;
}

static bool fails(struct block_faulty *faulty)
{
    const struct block_faulty_plan *plan = &faulty->plan;
    bool strikes = fault_below(&faulty->random, FAULT_MILLION) < plan->fail_per_million;
    if (faulty->request_count != plan->fail_at && !strikes) return false;
    faulty->failed_count++;
    return true;
}

static enum result failure_of(const struct block_faulty *faulty)
{
    return faulty->plan.failure != OK ? faulty->plan.failure : FAILED;
}

/* ---- the cache ---- */

static size_t cache_size(const struct block_faulty *faulty)
{
    return faulty->cache.length_bytes / faulty->block.block_bytes;
}

static struct span cached(const struct block_faulty *faulty, size_t index)
{
    size_t block_bytes = faulty->block.block_bytes;
    return span_first(span_from_offset(faulty->cache, index * block_bytes), block_bytes);
}

static enum result write_below(struct block_faulty *faulty, size_t index)
{
    return block_write(faulty->below, faulty->numbers[index], span_view(cached(faulty, index)),
                       NEVER);
}

/* Writes the oldest to the disk below, where they last. */
static enum result settle(struct block_faulty *faulty, size_t count)
{
    size_t left = faulty->cached_count - count;
    for (size_t i = 0; i < count; i++) {
        enum result result = write_below(faulty, i);
        if (result != OK) return result;
    }
    for (size_t i = 0; i < left; i++) {
        faulty->numbers[i] = faulty->numbers[count + i];
        (void)span_copy(cached(faulty, i), span_view(cached(faulty, count + i)));
    }
    faulty->cached_count = left;
    return OK;
}

/* Gives the place of one more block in the cache, of which a full one settles an eighth. */
static enum result cache_take(struct block_faulty *faulty, uint64_t number, struct span *place)
{
    if (faulty->cached_count == cache_size(faulty)) {
        enum result result = settle(faulty, MAX(cache_size(faulty) / 8, 1));
        if (result != OK) return result;
    }
    *place = cached(faulty, faulty->cached_count);
    faulty->numbers[faulty->cached_count++] = number;
    return OK;
}

/* ---- what requests do ---- */

/* The block with this index among those of the request's parts. */
static struct span block_of(const struct block_faulty *faulty, const struct block_request *request,
                            uint64_t index)
{
    size_t offset_bytes = index * faulty->block.block_bytes, i = 0;
    while (offset_bytes >= request->parts[i].into.length_bytes)
        offset_bytes -= request->parts[i++].into.length_bytes;
    return span_first(span_from_offset(request->parts[i].into, offset_bytes),
                      faulty->block.block_bytes);
}

static enum result carry_out_read(struct block_faulty *faulty, struct block_request *request)
{
    enum result result = block_read_parts(faulty->below, request->device_block, request->parts,
                                          request->part_count, NEVER);
    for (size_t i = 0; i < faulty->cached_count && result == OK; i++) {
        uint64_t index = faulty->numbers[i] - request->device_block;
        if (faulty->numbers[i] < request->device_block || index >= request->block_count) continue;
        (void)span_copy(block_of(faulty, request, index), span_view(cached(faulty, i)));
    }
    return result;
}

/* All of its blocks, or any of them. */
static enum result carry_out_write(struct block_faulty *faulty, const struct block_request *request,
                                   bool is_whole)
{
    for (uint64_t i = 0; i < request->block_count; i++) {
        struct span place;
        if (!is_whole && even_chance(faulty)) continue;
        enum result result = cache_take(faulty, request->device_block + i, &place);
        if (result != OK) return result;
        (void)span_copy(place, span_view(block_of(faulty, request, i)));
    }
    return OK;
}

static enum result carry_out_discard(struct block_faulty *faulty,
                                     const struct block_request *request)
{
    uint64_t count = MIN(request->block_count, cache_size(faulty));
    for (uint64_t i = 0; i < count; i++) {
        struct span place;
        if (even_chance(faulty)) continue;
        enum result result = cache_take(faulty, request->device_block + i, &place);
        if (result != OK) return result;
        span_fill(place, 0);
    }
    return OK;
}

static enum result carry_out_flush(struct block_faulty *faulty)
{
    enum result result = settle(faulty, faulty->cached_count);
    return result == OK ? block_flush(faulty->below, NEVER) : result;
}

static enum result carry_out(struct block_faulty *faulty, struct block_request *request)
{
    switch (request->kind) {
    case BLOCK_READ: return carry_out_read(faulty, request);
    case BLOCK_WRITE: return carry_out_write(faulty, request, true);
    case BLOCK_FLUSH: return carry_out_flush(faulty);
    case BLOCK_DISCARD: return carry_out_discard(faulty, request);
    }
    return UNSUPPORTED;
}

/* ---- failing ---- */

/* Of what is in the cache, each block is kept with a chance of so many in four. */
static void lose_cached(struct block_faulty *faulty, uint64_t quarters)
{
    size_t kept = 0;
    for (size_t i = 0; i < faulty->cached_count; i++) {
        if (fault_below(&faulty->random, 4) >= quarters) continue;
        faulty->numbers[kept] = faulty->numbers[i];
        if (kept != i) (void)span_copy(cached(faulty, kept), span_view(cached(faulty, i)));
        kept++;
    }
    faulty->cached_count = kept;
}

static void do_half(struct block_faulty *faulty, struct block_request *request)
{
    if (request->kind == BLOCK_WRITE) result_ignore(carry_out_write(faulty, request, false));
    if (request->kind == BLOCK_DISCARD) result_ignore(carry_out_discard(faulty, request));
    if (request->kind == BLOCK_FLUSH) lose_cached(faulty, 2);
}

/* The contract has requests told in the loop, and this is a fiber. */
static void finish(struct block_faulty *faulty, struct block_request *request, enum result result)
{
    request->handle = result;
    list_append(&faulty->finished, &request->node);
    loop_defer(&faulty->turn);
}

static void finish_waiting(struct block_faulty *faulty)
{
    struct list_node *node;
    while ((node = list_take(&faulty->waiting)) != NULL) {
        struct block_request *request = CONTAINER_OF(node, struct block_request, node);
        if (request->kind == BLOCK_WRITE) result_ignore(carry_out_write(faulty, request, false));
        finish(faulty, request, FAILED);
    }
}

/* Nothing, everything, or a part lasts. The mutex is held. A disk below that fails loses more. */
static void lose_power(struct block_faulty *faulty)
{
    faulty->is_off = true;
    finish_waiting(faulty);
    lose_cached(faulty, fault_below(&faulty->random, 5));
    result_ignore(carry_out_flush(faulty));
    faulty->cached_count = 0;
}

/* ---- the fiber ---- */

static void begin(struct block_faulty *faulty, struct block_request *request)
{
    enum result result = OK;
    faulty->request_count++;
    if (faulty->request_count == faulty->plan.power_off_at) {
        do_half(faulty, request);
        lose_power(faulty);
        result = FAILED;
    } else if (fails(faulty)) {
        do_half(faulty, request);
        result = failure_of(faulty);
    } else {
        result = carry_out(faulty, request);
    }
    finish(faulty, request, result);
}

/* Any of those whose time has come; NULL: it comes at *due_ns. */
static struct block_request *take_due(struct block_faulty *faulty, uint64_t *due_ns)
{
    struct block_request *taken = NULL;
    uint64_t now_ns = clock_monotonic_ns(), count = 0;
    *due_ns = NEVER;
    list_for_each (node, &faulty->waiting) {
        struct block_request *request = CONTAINER_OF(node, struct block_request, node);
        *due_ns = MIN(*due_ns, request->handle);
        if (request->handle > now_ns) continue;
        if (fault_below(&faulty->random, ++count) == 0) taken = request;
    }
    if (taken != NULL) list_remove(&taken->node);
    return taken;
}

static void run(struct task *task)
{
    struct block_faulty *faulty = CONTAINER_OF(task, struct block_faulty, task);
    while (!fiber_is_cancelled()) {
        uint64_t due_ns;
        if (mutex_take(&faulty->mutex, NEVER) != OK) return;
        struct block_request *request = take_due(faulty, &due_ns);
        if (request != NULL) begin(faulty, request);
        mutex_give(&faulty->mutex);
        if (request == NULL) result_ignore(waiters_wait(&faulty->changed, "block_faulty", due_ns));
    }
}

static void take_turn(struct deferred *turn)
{
    struct block_faulty *faulty = CONTAINER_OF(turn, struct block_faulty, turn);
    struct list_node *node;
    struct list finished;
    list_init(&finished);
    list_move_all(&finished, &faulty->finished);
    while ((node = list_take(&finished)) != NULL) {
        struct block_request *request = CONTAINER_OF(node, struct block_request, node);
        block_tell(&faulty->block, request, (enum result)request->handle);
    }
}

/* ---- the signature ---- */

static void block_faulty_submit(struct block *block, struct block_request *request)
{
    struct block_faulty *faulty = CONTAINER_OF(block, struct block_faulty, block);
    if (faulty->is_off) {
        finish(faulty, request, FAILED);
        return;
    }
    request->handle = clock_monotonic_ns();
    if (faulty->plan.delay_ns_max > 0)
        request->handle += fault_below(&faulty->random, faulty->plan.delay_ns_max + 1);
    list_append(&faulty->waiting, &request->node);
    (void)waiters_wake_one(&faulty->changed);
}

static bool holds(const struct list *list, const struct block_request *request)
{
    list_for_each (node, list) {
        if (node == &request->node) return true;
    }
    return false;
}

static bool block_faulty_withdraw(struct block *block, struct block_request *request)
{
    struct block_faulty *faulty = CONTAINER_OF(block, struct block_faulty, block);
    if (!holds(&faulty->waiting, request)) return false;
    list_remove(&request->node);
    return true;
}

static const struct block_ops block_faulty_ops = BLOCK_OPS(block_faulty);

/* ---- the power ---- */

void block_faulty_power_off(struct block_faulty *faulty)
{
    enum result result = mutex_take(&faulty->mutex, NEVER);
    if (result != OK) return; /* told to end: so does the test */
    if (!faulty->is_off) lose_power(faulty);
    mutex_give(&faulty->mutex);
}

void block_faulty_power_on(struct block_faulty *faulty)
{
    faulty->is_off = false;
}

/* ---- opening and closing ---- */

static enum result take_cache(struct block_faulty *faulty, size_t block_count)
{
    size_t numbers_bytes = block_count * sizeof *faulty->numbers;
    size_t cache_bytes = block_count * faulty->block.block_bytes;
    enum result result = memory_take(numbers_bytes + cache_bytes, &faulty->memory);
    if (result != OK) return result;
    faulty->cache = span_first(faulty->memory, cache_bytes);
    faulty->numbers = (void *)span_from_offset(faulty->memory, cache_bytes).bytes;
    return OK;
}

enum result block_faulty_open(struct block_faulty *faulty, struct block *below,
                              const struct block_faulty_plan *plan)
{
    *faulty = (struct block_faulty){
        .block = { .ops = &block_faulty_ops,
                   .block_count = below->block_count,
                   .block_bytes = below->block_bytes,
                   .alignment_bytes = below->block_bytes,
                   .read_only = below->read_only },
        .below = below,
        .task = { run },
        .turn = { .run = take_turn },
    };
    if (plan != NULL) faulty->plan = *plan;
    faulty->random = faulty->plan.seed;
    size_t blocks = faulty->plan.cache_blocks;
    enum result result = take_cache(faulty, blocks != 0 ? blocks : BLOCK_FAULTY_CACHE_BLOCKS);
    if (result != OK) return result;
    list_init(&faulty->waiting);
    list_init(&faulty->finished);
    waiters_init(&faulty->changed);
    mutex_init(&faulty->mutex);
    scope_open(&faulty->scope, "block_faulty");
    result = fiber_start(&faulty->scope, &faulty->task, "block_faulty", STACK_SMALL);
    if (result != OK) block_faulty_close(faulty);
    return result;
}

void block_faulty_close(struct block_faulty *faulty)
{
    assert(list_is_empty(&faulty->waiting) && list_is_empty(&faulty->finished));
    scope_close(&faulty->scope);
    loop_withdraw(&faulty->turn);
    memory_give_back(faulty->memory);
    faulty->memory = (struct span){ 0 };
}
