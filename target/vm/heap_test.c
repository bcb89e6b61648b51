/* heap_test.c - objects that never overlap, blocks that all come back, and zones that miss nothing.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/libc/heap.h"

#include "base/units.h"
#include "target/entropy.h"
#include "target/memory.h"
#include "target/vm/libc/libc.h"
#include "test/test.h"

#define TAKER ((uintptr_t)0x1234)

static struct heap heap;
static struct span memory;

static void open_heap(size_t length_bytes, bool has_zones)
{
    expect_ok(memory_take(length_bytes, &memory));
    heap_open(&heap, memory, has_zones);
}

static void close_heap(void)
{
    memory_give_back(memory);
}

static struct span take(size_t length_bytes)
{
    struct span object;
    expect_ok(heap_take(&heap, length_bytes, TAKER, &object));
    expect_that(object.length_bytes, ==, length_bytes);
    expect_that((uintptr_t)object.bytes % 16, ==, 0);
    return object;
}

/* The longest object that there is room for. */
static size_t longest_bytes(void)
{
    struct span object;
    size_t length_bytes = memory.length_bytes;
    while (length_bytes > 0 && heap_take(&heap, length_bytes, TAKER, &object) != OK)
        length_bytes--;
    if (length_bytes > 0) heap_give_back(&heap, object.bytes);
    return length_bytes;
}

TEST(a_buffer_that_is_a_power_of_two_wastes_nothing)
{
    struct span objects[2];
    open_heap(130 * KIB, false);
    for (size_t i = 0; i < LENGTH_OF(objects); i++)
        objects[i] = take(64 * KIB);
    expect_that(longest_bytes(), <, KIB);
    for (size_t i = 0; i < LENGTH_OF(objects); i++)
        heap_give_back(&heap, objects[i].bytes);
    expect_that(longest_bytes(), ==, 128 * KIB);
    close_heap();
}

TEST(what_is_too_long_is_refused)
{
    struct span object;
    open_heap(64 * KIB, true);
    expect(heap_take(&heap, 64 * KIB, TAKER, &object) == FULL);
    expect(heap_take(&heap, SIZE_MAX, TAKER, &object) == FULL);
    expect(heap_take(&heap, SIZE_MAX - 64, TAKER, &object) == FULL);
    expect(view_is_empty(span_view(object)));
    close_heap();
}

/* Many objects of random sizes live and die. Each is filled with a byte of its own, which is there
 * when it ends, so no two overlap; at the end the heap is as it was. */
static void live_and_die(bool has_zones)
{
    enum { OBJECTS = 100, STEPS = 20000 };
    static struct span objects[OBJECTS];
    static uint8_t random[STEPS][4];
    open_heap(300 * KIB, has_zones);
    size_t longest = longest_bytes(), refused = 0;
    entropy_fill(SPAN_OF(random));
    span_fill(SPAN_OF(objects), 0);
    for (size_t step = 0; step < STEPS; step++) {
        size_t which = random[step][0] % OBJECTS;
        struct span *object = &objects[which];
        if (object->bytes != NULL) {
            for (size_t i = 0; i < object->length_bytes; i++)
                expect_that(object->bytes[i], ==, which);
            heap_give_back(&heap, object->bytes);
            *object = (struct span){ 0 };
            continue;
        }
        /* Lengths of all magnitudes up to 32 KiB. */
        size_t bits = random[step][1] % 16;
        size_t length = 1 + ((size_t)random[step][2] << 8 | random[step][3]) % ((size_t)1 << bits);
        if (heap_take(&heap, length, TAKER, object) != OK) refused++;
        span_fill(*object, (uint8_t)which);
    }
    size_t at = 0;
    struct breach breach;
    expect(!heap_find_breach(&heap, &at, &breach));
    for (size_t i = 0; i < OBJECTS; i++) {
        if (objects[i].bytes != NULL) heap_give_back(&heap, objects[i].bytes);
    }
    expect_that(longest_bytes(), ==, longest);
    expect(refused < STEPS / 2);
    close_heap();
}

TEST(objects_never_overlap_and_all_comes_back)
{
    live_and_die(false);
}

TEST(objects_between_zones_never_overlap_and_all_comes_back)
{
    live_and_die(true);
}

/* Every byte next to an object, and every length near a block's end. */
TEST(each_byte_beyond_an_object_is_told_with_its_distance)
{
    open_heap(64 * KIB, true);
    for (size_t length = 1; length < 300; length++) {
        struct span neighbour = take(20), object = take(length);
        span_fill(object, 0xff);
        for (size_t distance = 1; distance <= 16; distance++) {
            for (unsigned is_behind = 0; is_behind < 2; is_behind++) {
                uint8_t *byte = is_behind ? object.bytes + length + distance - 1
                                          : object.bytes - distance;
                struct breach breach;
                size_t at = 0;
                uint8_t was = *byte;
                *byte ^= 0x55;
                expect(heap_find_breach(&heap, &at, &breach));
                expect(breach.is_behind == (is_behind == 1) &&
                       breach.pool.pool.bytes == object.bytes);
                expect_that(breach.distance_bytes, ==, distance);
                expect_that(breach.byte, ==, *byte);
                expect(!is_behind ||
                       (breach.pool.taker == TAKER && breach.pool.pool.length_bytes == length));
                expect(!heap_find_breach(&heap, &at, &breach));
                *byte = was;
            }
        }
        heap_give_back(&heap, neighbour.bytes);
        heap_give_back(&heap, object.bytes);
    }
    close_heap();
}

/* ---- malloc, which has a heap of its own ---- */

TEST(malloc_and_its_like_keep_what_was_written)
{
    uint8_t *object = LIBC(malloc)(100);
    expect(object != NULL && (uintptr_t)object % 16 == 0);
    span_fill(span_from(object, 100), 7);
    /* Longer, over many blocks; then shorter again. */
    for (size_t length = 100; length < 20000; length += 777) {
        uint8_t *longer = LIBC(realloc)(object, length);
        expect(longer != NULL);
        object = longer;
        for (size_t i = 0; i < 100; i++)
            expect_that(object[i], ==, 7);
        span_fill(span_from(object, length), 7);
    }
    uint8_t *shorter = LIBC(realloc)(object, 10);
    expect(shorter != NULL);
    for (size_t i = 0; i < 10; i++)
        expect_that(shorter[i], ==, 7);
    LIBC(free)(shorter);
    LIBC(free)(NULL);
    void *first = LIBC(realloc)(NULL, 0), *second = LIBC(malloc)(0);
    expect(first != NULL && second != NULL && first != second);
    LIBC(free)(first);
    LIBC(free)(second);
}

TEST(calloc_zeroes_and_does_not_overflow)
{
    uint8_t *object = LIBC(malloc)(1000);
    span_fill(span_from(object, 1000), 0xff);
    LIBC(free)(object);
    object = LIBC(calloc)(10, 100);
    for (size_t i = 0; i < 1000; i++)
        expect_that(object[i], ==, 0);
    LIBC(free)(object);
    void *too_many = LIBC(calloc)(SIZE_MAX / 2, 3), *too_long = LIBC(malloc)(SIZE_MAX);
    expect(too_many == NULL && too_long == NULL);
}
