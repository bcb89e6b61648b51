/* block_flight_suite.c - cases for every block: requests under way, and whose the bytes are.
 *
 * SPDX-License-Identifier: ISC */
#include "block/block_suite.h"

#include "base/units.h"
#include "fiber/sync.h"

#define FLIGHTS 200

/* A request of the test's own, of one block in its own memory. */
struct flight {
    struct block_request request;
    union block_part part;
    unsigned told;
    bool told_in_fiber;
};

static struct flight flights[FLIGHTS];
static size_t told_count;
static struct waiters lookout;

static void flight_told(struct block_request *request)
{
    struct flight *flight = CONTAINER_OF(request, struct flight, request);
    flight->told++;
    flight->told_in_fiber = fiber_current() != NULL;
    told_count++;
    waiters_wake_all(&lookout);
}

static struct span memory_of(const struct block *block, size_t room, size_t index)
{
    struct span from = span_from_offset(block_suite_room(room), index * block->block_bytes);
    return span_first(from, block->block_bytes);
}

static struct flight *flight_make(size_t index, enum block_kind kind, uint64_t first_block,
                                  struct span memory)
{
    struct flight *flight = &flights[index];
    *flight = (struct flight){ .part.into = memory,
                               .request = { .kind = kind,
                                            .first_block = first_block,
                                            .parts = &flight->part,
                                            .part_count = 1,
                                            .done = flight_told } };
    return flight;
}

static void flights_begin(void)
{
    told_count = 0;
    waiters_init(&lookout);
}

static void flights_wait(size_t count)
{
    while (told_count < count)
        expect_ok(waiters_wait(&lookout, "flights", NEVER));
}

/* ---- telling ---- */

void block_case_told_once_in_the_loop(struct block_fixture *fixture)
{
    static const enum block_kind kinds[] = { BLOCK_WRITE, BLOCK_READ, BLOCK_FLUSH, BLOCK_DISCARD };
    struct block *block = fixture->open(fixture, 16);
    for (size_t i = 0; i < LENGTH_OF(kinds); i++) {
        struct flight *flight = flight_make(i, kinds[i], 3, memory_of(block, 2, i));
        flights_begin();
        flight->request.block_count = 1;
        expect_ok(block_submit(block, &flight->request));
        expect_that(flight->told, ==, 0);
        flights_wait(1);
        expect_ok(flight->request.result);
        expect(!flight->told_in_fiber);
        (void)fiber_sleep(2 * MS_NS);
        expect_that(flight->told, ==, 1);
    }
    fixture->close(fixture);
}

void block_case_many_under_way(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, FLIGHTS);
    flights_begin();
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = flight_make(i, BLOCK_WRITE, FLIGHTS - 1 - i,
                                            memory_of(block, 2, i));
        block_suite_mark(flight->part.into, block->block_bytes, FLIGHTS - 1 - i, 1);
        expect_ok(block_submit(block, &flight->request));
    }
    flights_wait(FLIGHTS);
    for (size_t i = 0; i < FLIGHTS; i++)
        expect(flights[i].told == 1 && flights[i].request.result == OK);
    block_suite_expect(block, 0, FLIGHTS, 1);

    flights_begin();
    span_fill(block_suite_room(2), 0xee);
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = flight_make(i, BLOCK_READ, i * 7 % FLIGHTS, memory_of(block, 2, i));
        expect_ok(block_submit(block, &flight->request));
    }
    flights_wait(FLIGHTS);
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct span wanted = memory_of(block, 0, 0);
        block_suite_mark(wanted, block->block_bytes, i * 7 % FLIGHTS, 1);
        expect_view(flights[i].part.from, span_view(wanted));
    }
    fixture->close(fixture);
}

/* ---- submitting where one is told ---- */

struct chain {
    struct block_request request;
    union block_part part;
    struct block *block;
    struct event end;
};

static void chain_told(struct block_request *request)
{
    struct chain *chain = CONTAINER_OF(request, struct chain, request);
    bool is_last = ++request->first_block == chain->block->block_count;
    if (request->result != OK || is_last || block_submit(chain->block, request) != OK)
        event_set(&chain->end);
}

void block_case_submitted_from_done(struct block_fixture *fixture)
{
    struct chain chain = { .block = fixture->open(fixture, 300) };
    chain.part.into = memory_of(chain.block, 2, 0);
    chain.request = (struct block_request){
        .kind = BLOCK_WRITE, .parts = &chain.part, .part_count = 1, .done = chain_told
    };
    span_fill(chain.part.into, 0x11);
    event_init(&chain.end);
    expect_ok(block_submit(chain.block, &chain.request));
    expect_ok(event_wait(&chain.end, NEVER));
    expect_that(chain.request.first_block, ==, 300);
    for (uint64_t number = 0; number < 300; number++) {
        struct span found = memory_of(chain.block, 1, 0);
        expect_ok(block_read(chain.block, number, found, NEVER));
        expect_view(span_view(found), chain.part.from);
    }
    fixture->close(fixture);
}

void block_case_flushes_among_writes(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, FLIGHTS);
    flights_begin();
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = flight_make(i, i % 5 == 4 ? BLOCK_FLUSH : BLOCK_WRITE, i,
                                            memory_of(block, 2, i));
        block_suite_mark(flight->part.into, block->block_bytes, i, 1);
        expect_ok(block_submit(block, &flight->request));
    }
    flights_wait(FLIGHTS);
    for (size_t i = 0; i < FLIGHTS; i++) {
        expect(flights[i].told == 1 && flights[i].request.result == OK);
        if (i % 5 != 4) block_suite_expect(block, i, 1, 1);
    }
    fixture->close(fixture);
}

/* ---- withdrawing ---- */

static size_t withdraw_every_other(struct block *block, bool withdrawn[])
{
    size_t count = 0;
    for (size_t i = 1; i < FLIGHTS; i += 2) {
        if (flights[i].told > 0) continue;
        withdrawn[i] = block_withdraw(block, &flights[i].request);
        count += withdrawn[i];
    }
    return count;
}

void block_case_withdrawn_never_happened(struct block_fixture *fixture)
{
    static bool withdrawn[FLIGHTS];
    struct block *block = fixture->open(fixture, FLIGHTS);
    block_suite_write(block, 0, FLIGHTS, 1);
    span_fill(SPAN_OF(withdrawn), 0);
    flights_begin();
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = flight_make(i, BLOCK_WRITE, i, memory_of(block, 2, i));
        block_suite_mark(flight->part.into, block->block_bytes, i, 2);
        expect_ok(block_submit(block, &flight->request));
    }
    size_t withdrawn_count = withdraw_every_other(block, withdrawn);
    flights_wait(FLIGHTS - withdrawn_count);
    expect_ok(block_flush(block, NEVER));
    for (size_t i = 0; i < FLIGHTS; i++) {
        expect_that(flights[i].told, ==, !withdrawn[i]);
        block_suite_expect(block, i, 1, withdrawn[i] ? 1 : 2);
    }
    fixture->close(fixture);
}

/* ---- deadlines and cancellation ---- */

void block_case_passed_deadline_does_nothing(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 16);
    struct span room = memory_of(block, 2, 0), as_it_was = memory_of(block, 2, 1);
    block_suite_write(block, 0, 16, 1);
    span_fill(room, 0xdd);
    span_fill(as_it_was, 0xdd);
    expect_result(block_read(block, 3, room, NO_WAIT), TIMED_OUT);
    expect_result(block_write(block, 3, span_view(room), NO_WAIT), TIMED_OUT);
    expect_result(block_discard(block, 3, 1, NO_WAIT), TIMED_OUT);
    expect_result(block_flush(block, NO_WAIT), TIMED_OUT);
    expect_view(span_view(room), span_view(as_it_was));
    block_suite_expect(block, 0, 16, 1);
    fixture->close(fixture);
}

/* OK: it is done. TIMED_OUT: nothing is. */
void block_case_short_deadlines_tell_the_truth(struct block_fixture *fixture)
{
    struct block *block = fixture->open(fixture, 16);
    block_suite_write(block, 3, 1, 0);
    for (uint64_t version = 1, there = 0; version < 200; version++) {
        struct span memory = memory_of(block, 2, 0);
        uint64_t deadline_ns = deadline_after(loop_now_ns(), 1 + version * 100);
        block_suite_mark(memory, block->block_bytes, 3, version);
        enum result result = block_write(block, 3, span_view(memory), deadline_ns);
        expect(result == OK || result == TIMED_OUT);
        if (result == OK) there = version;
        block_suite_expect(block, 3, 1, there);
    }
    fixture->close(fixture);
}

/* Reads over and over into memory of its own until it is told to end. It rests now and then:
 * virtual time stands still while somebody runs. */
struct reader {
    struct task task;
    struct block *block;
    struct span memory;
    uint64_t number;
    unsigned turns;
    enum result result;
};

static void reader_run(struct task *task)
{
    struct reader *reader = CONTAINER_OF(task, struct reader, task);
    do {
        reader->result = block_read(reader->block, reader->number, reader->memory, NEVER);
        if (++reader->turns % 8 == 0) (void)fiber_sleep(US_NS);
    } while (reader->result == OK);
    span_fill(reader->memory, 0xdd);
}

void block_case_cancelled_lets_go_of_the_bytes(struct block_fixture *fixture)
{
    static struct reader readers[8];
    struct scope scope;
    struct block *block = fixture->open(fixture, 16);
    struct span as_it_was = memory_of(block, 0, 0);
    block_suite_write(block, 0, 16, 1);
    for (unsigned round = 0; round < 20; round++) {
        scope_open(&scope, "readers");
        for (size_t i = 0; i < LENGTH_OF(readers); i++) {
            readers[i] = (struct reader){ .task = { reader_run },
                                          .block = block,
                                          .memory = memory_of(block, 2, i),
                                          .number = i };
            expect_ok(fiber_start(&scope, &readers[i].task, "reader", STACK_SMALL));
        }
        (void)fiber_sleep(round * (50 * US_NS));
        scope_close(&scope);
        (void)fiber_sleep(MS_NS);
        span_fill(as_it_was, 0xdd);
        for (size_t i = 0; i < LENGTH_OF(readers); i++) {
            expect(readers[i].result == CANCELLED);
            expect_view(span_view(readers[i].memory), span_view(as_it_was));
        }
    }
    fixture->close(fixture);
}

/* ---- fibers ---- */

struct worker {
    struct task task;
    struct block *block;
    struct span memory, wanted;
    uint64_t number;
    unsigned turns;
};

static void worker_run(struct task *task)
{
    struct worker *worker = CONTAINER_OF(task, struct worker, task);
    struct block *block = worker->block;
    for (worker->turns = 0; worker->turns < 50; worker->turns++) {
        block_suite_mark(worker->wanted, block->block_bytes, worker->number, worker->turns);
        expect_ok(block_write(block, worker->number, span_view(worker->wanted), NEVER));
        if (worker->turns % 10 == 0) expect_ok(block_flush(block, NEVER));
        span_fill(worker->memory, 0xee);
        expect_ok(block_read(block, worker->number, worker->memory, NEVER));
        expect_view(span_view(worker->memory), span_view(worker->wanted));
    }
}

void block_case_fibers_side_by_side(struct block_fixture *fixture)
{
    static struct worker workers[16];
    struct scope scope;
    struct block *block = fixture->open(fixture, 64);
    scope_open(&scope, "workers");
    for (size_t i = 0; i < LENGTH_OF(workers); i++) {
        workers[i] = (struct worker){ .task = { worker_run },
                                      .block = block,
                                      .memory = memory_of(block, 1, i),
                                      .wanted = memory_of(block, 2, i),
                                      .number = 5 + i };
        expect_ok(fiber_start(&scope, &workers[i].task, "worker", STACK_SMALL));
    }
    expect_ok(scope_wait(&scope, NEVER));
    scope_close(&scope);
    for (size_t i = 0; i < LENGTH_OF(workers); i++)
        expect_that(workers[i].turns, ==, 50);
    fixture->close(fixture);
}
