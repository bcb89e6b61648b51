/* broken.c - every way in which a machine can break, and one in which it does not.
 *
 * SPDX-License-Identifier: ISC */
#include "broken.h"

#include "base/units.h"
#include "fiber/fiber.h"
#include "fiber/fiber_private.h"
#include "target/clock.h"
#include "target/console.h"
#include "target/memory.h"
#include "target/vm/libc/libc.h"

#define LOG_MODULE "broken"
#include "log/log.h"

const struct parameter broken_parameters[] = {
    PARAMETER_TEXT(struct broken_parameters, how, "how", "", "in which way to break"),
    PARAMETER_END,
};

/* Numbers that the compiler does not know, which would see through all this otherwise. What a check
 * of the compiler would catch before the processor does is written in its language. */
static volatile size_t zero = 0, five = 5;
static volatile int largest = __INT_MAX__;

static volatile uint8_t *at(uintptr_t address)
{
    return (volatile uint8_t *)(address + zero); // NOLINT: a number as an address is the point
}

__attribute__((noinline)) static void break_null(void)
{
    __asm__ volatile("movl $1, (%0)" : : "r"(zero) : "memory");
}

__attribute__((noinline)) static void break_wild(void)
{
    *at(0x123456789000) = 1;
}

__attribute__((noinline)) static void break_not_canonical(void)
{
    *at((uintptr_t)5 << 60) = 1;
}

__attribute__((noinline)) static void break_code(void)
{
    *at((uintptr_t)broken_start) = 1;
}

__attribute__((noinline)) static void break_constant(void)
{
    *at((uintptr_t)VIEW("constant").bytes) = 1;
}

/* Relocated, and read-only from the first instruction. */
__attribute__((noinline)) static void break_relocated(void)
{
    *at((uintptr_t)broken_parameters) = 1;
}

static uint8_t data[16] = { 0xc3 }; /* ret */

__attribute__((noinline)) static void break_executing_data(void)
{
    ((void (*)(void))(uintptr_t)at((uintptr_t)data))(); // NOLINT: as above
    five = zero;                                        /* so that it is a call, and no jump */
}

/* Without a frame: it calls nobody, and what it needs is in registers. */
__attribute__((noinline)) static void write_there(volatile uint8_t *place)
{
    *place = 1;
}

__attribute__((noinline)) static void break_without_frame(void)
{
    write_there(at(0x1000));
    five = zero;
}

/* Each call keeps a buffer alive across the next, so that none can become a loop. */
__attribute__((noinline)) static size_t go_down(volatile uint8_t *above)
{
    volatile uint8_t room[512] = { 0 };
    if (above[0] == 0) return 0;
    room[0] = above[0];
    return room[0] + go_down(room) + room[1];
}

__attribute__((noinline)) static void break_stack(void)
{
    volatile uint8_t top = 1;
    five = go_down(&top);
}

static void overflow_in_loop(struct alarm *alarm)
{
    (void)alarm;
    break_stack();
}

static struct alarm alarm = { .due = overflow_in_loop };

static void break_stack_of_loop(void)
{
    alarm_set(&alarm, clock_monotonic_ns());
    (void)fiber_sleep(S_NS);
}

__attribute__((noinline)) static void break_division(void)
{
    __asm__ volatile("divq %0" : : "r"(zero), "a"(five), "d"((size_t)0));
}

__attribute__((noinline)) static void break_overflow(void)
{
    largest = largest + 1;
}

__attribute__((noinline)) static void break_assertion(void)
{
    assert_that(five + 2, <, 3);
}

__attribute__((noinline)) static void break_canary(void)
{
    volatile uint8_t room[16];
    volatile uint8_t *volatile start = room;
    for (size_t i = 0; i < 32 + five; i++)
        start[i] = 1;
}

__attribute__((noinline)) static void break_instruction(void)
{
    __asm__ volatile("cli");
}

__attribute__((noinline)) static void break_port(void)
{
    __asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"((uint16_t)0x80));
}

__attribute__((noinline)) static void break_breakpoint(void)
{
    __asm__ volatile("int3");
}

/* Nothing that the report needs is left whole. */
static void break_twice(void)
{
    span_fill(SPAN_OF(fiber_runtime), 0xff);
    break_assertion();
}

/* ---- beyond a pool: only a debug image sees it ---- */

static struct span pool;

__attribute__((noinline)) static void take_pool(void)
{
    if (memory_take(100, &pool) != OK) pool = (struct span){ 0 };
}

/* Within its page, and behind that; before the first byte. */
static void write_beyond(size_t behind_start)
{
    take_pool();
    *at((uintptr_t)pool.bytes + behind_start) = 0x41;
}

static void break_pool_given_back(void)
{
    write_beyond(102);
    memory_give_back(pool);
}

static void break_pool_while_waiting(void)
{
    write_beyond(4096);
    (void)fiber_sleep(S_NS);
}

static void break_pool_at_exit(void)
{
    write_beyond((size_t)-1);
}

static void break_pool_and_null(void)
{
    write_beyond(100);
    break_null();
}

/* ---- the heap of foreign archives ---- */

__attribute__((noinline)) static uint8_t *take_object(void)
{
    uint8_t *object = LIBC(malloc)(10 * five);
    assert(object != NULL);
    five = 5; /* so that there is a frame */
    return object;
}

__attribute__((noinline)) static void break_object(void)
{
    uint8_t *object = take_object();
    *at((uintptr_t)object + 50) = 0x41;
    LIBC(free)(object);
}

__attribute__((noinline)) static void break_freed_twice(void)
{
    uint8_t *object = take_object();
    LIBC(free)(object);
    LIBC(free)(object);
    five = zero;
}

static const struct way {
    struct view name;
    void (*run)(void);
} ways[] = {
    { VIEW_ROW("null"), break_null },
    { VIEW_ROW("wild"), break_wild },
    { VIEW_ROW("not-canonical"), break_not_canonical },
    { VIEW_ROW("code"), break_code },
    { VIEW_ROW("constant"), break_constant },
    { VIEW_ROW("relocated"), break_relocated },
    { VIEW_ROW("executing-data"), break_executing_data },
    { VIEW_ROW("without-frame"), break_without_frame },
    { VIEW_ROW("stack"), break_stack },
    { VIEW_ROW("stack-of-loop"), break_stack_of_loop },
    { VIEW_ROW("division"), break_division },
    { VIEW_ROW("overflow"), break_overflow },
    { VIEW_ROW("assertion"), break_assertion },
    { VIEW_ROW("canary"), break_canary },
    { VIEW_ROW("instruction"), break_instruction },
    { VIEW_ROW("port"), break_port },
    { VIEW_ROW("breakpoint"), break_breakpoint },
    { VIEW_ROW("twice"), break_twice },
    { VIEW_ROW("pool-given-back"), break_pool_given_back },
    { VIEW_ROW("pool-while-waiting"), break_pool_while_waiting },
    { VIEW_ROW("pool-at-exit"), break_pool_at_exit },
    { VIEW_ROW("pool-and-null"), break_pool_and_null },
    { VIEW_ROW("object"), break_object },
    { VIEW_ROW("freed-twice"), break_freed_twice },
};

enum result broken_start(const struct broken_parameters *parameters)
{
    if (view_is_empty(parameters->how)) {
        console_write(VIEW("whole\n"));
        return OK;
    }
    log_info("breaks by %.*s", VIEW_FORMAT(parameters->how));
    for (size_t i = 0; i < LENGTH_OF(ways); i++) {
        if (view_equal(parameters->how, ways[i].name)) ways[i].run();
    }
    return NOT_FOUND;
}
