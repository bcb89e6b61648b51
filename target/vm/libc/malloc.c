/* malloc.c - the heap that foreign archives expect to be there. Nothing of it is in an image that
 * does not ask for it.
 *
 * It is one piece of the machine's memory, an eighth of all, taken when somebody first asks, and
 * never grows. When it is full, malloc gives NULL.
 *
 * Contracts: ISO C17 7.22.3.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/libc/malloc.h"

#include "base/units.h"
#include "target/memory.h"
#include "target/vm/libc/heap.h"
#include "target/vm/libc/libc.h"

#define HEAP_SHARE     8
#define HEAP_BYTES_MAX (16 * MIB)

static struct heap heap;

static bool heap_is_there(void)
{
    struct span memory;
    if (heap.blocks.length_bytes > 0) return true;
    uint64_t length_bytes = MIN(memory_machine_bytes() / HEAP_SHARE, HEAP_BYTES_MAX);
    if (length_bytes < HEAP_UNIT_BYTES + 1 || memory_take(length_bytes, &memory) != OK)
        return false;
    heap_open(&heap, memory, MACHINE_RED_ZONES);
    return true;
}

/* An object of no length is one all the same, which can be freed. */
static void *take(size_t length_bytes, uintptr_t taker)
{
    struct span object;
    if (!heap_is_there() || heap_take(&heap, MAX(length_bytes, (size_t)1), taker, &object) != OK)
        return NULL;
    return object.bytes;
}

void *LIBC(malloc)(size_t length)
{
    return take(length, (uintptr_t)__builtin_return_address(0));
}

void *LIBC(calloc)(size_t count, size_t each)
{
    size_t length;
    if (__builtin_mul_overflow(count, each, &length)) return NULL;
    void *object = take(length, (uintptr_t)__builtin_return_address(0));
    if (object != NULL) LIBC(memset)(object, 0, length);
    return object;
}

void *LIBC(realloc)(void *object, size_t length)
{
    uintptr_t taker = (uintptr_t)__builtin_return_address(0);
    if (object == NULL) return take(length, taker);
    size_t room_bytes = heap_room_bytes(&heap, object);
    /* One that shrinks far moves to a smaller block. */
    if (length <= room_bytes && length > room_bytes / 4) return object;
    void *moved = take(length, taker);
    if (moved == NULL) return length <= room_bytes ? object : NULL;
    LIBC(memcpy)(moved, object, MIN(length, room_bytes));
    heap_give_back(&heap, object);
    return moved;
}

void LIBC(free)(void *object)
{
    if (object != NULL) heap_give_back(&heap, object);
}

bool malloc_find_breach(size_t *at, struct breach *breach)
{
    return heap_find_breach(&heap, at, breach);
}
