/* context.c - see context.h; the switch itself is the fibers'.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/context.h"

#include "base/assert.h"
#include "base/units.h"
#include "target/sim/context_sanitizer.h"
#include "target/stack.h"

#define STACK_BYTES (256 * (size_t)KIB)

/* lib/fiber/fiber_switch.S */
void fiber_switch(void **save, void *load);
void fiber_begin(void);

/* The one that is entered, which a new one has no other way to learn. */
static struct context *entered;

static void context_main(void)
{
    struct context *context = entered;
    sanitizer_arrive(NULL, &context->host_stack);
    context->run(context);
    panic("a context that has ended was entered again");
}

/* As if it had called fiber_switch from the start of fiber_begin, which calls what rbx holds:
 *
 *      r15 r14 r13 r12 rbx rbp fiber_begin 0 0 | end of the stack
 */
enum result context_open(struct context *context, void (*run)(struct context *context))
{
    *context = (struct context){ .run = run };
    size_t count = 1;
    enum result result = stack_arena_take(&count, STACK_BYTES, &context->arena);
    if (result != OK) return result;
    context->stack = span_from_offset(context->arena, STACK_GUARD_BYTES);

    uint64_t frame[9] = { 0 };
    frame[4] = (uint64_t)(uintptr_t)context_main;
    frame[6] = (uint64_t)(uintptr_t)fiber_begin;
    struct span top = span_from_offset(context->stack, STACK_BYTES - sizeof frame);
    (void)span_copy(top, VIEW_OF(frame));
    context->stack_pointer = top.bytes;
    return OK;
}

void context_close(struct context *context)
{
    context_forget_marks(context->arena);
    stack_arena_give_back(context->arena);
    context->arena = context->stack = (struct span){ 0 };
}

void context_enter(struct context *context)
{
    struct context *outer = entered;
    assert(outer == NULL && context->stack.length_bytes > 0);
    entered = context;
    sanitizer_leave(&context->host_fake_stack, span_view(context->stack));
    fiber_switch(&context->host_pointer, context->stack_pointer);
    sanitizer_arrive(context->host_fake_stack, NULL);
    entered = NULL;
}

void context_leave(struct context *context, bool ends)
{
    assert(entered == context);
    sanitizer_leave(ends ? NULL : &context->fake_stack, context->host_stack);
    fiber_switch(&context->stack_pointer, context->host_pointer);
    sanitizer_arrive(context->fake_stack, &context->host_stack);
}

void context_forget_marks(struct span memory)
{
    sanitizer_forget(memory);
}
