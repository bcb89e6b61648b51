/* ring_test.c - a ring's indices at its own end and at that of size_t.
 *
 * SPDX-License-Identifier: ISC */
#include "base/ring.h"

#include "base/view.h"
#include "test/death.h"
#include "test/test.h"

TEST(ring_begins_empty)
{
    struct ring ring;
    ring_init(&ring, 8);
    expect_that(ring_used(&ring), ==, 0);
    expect_that(ring_room(&ring), ==, 8);
    expect_that(ring_used_run(&ring).length, ==, 0);
    expect_that(ring_room_run(&ring).index, ==, 0);
    expect_that(ring_room_run(&ring).length, ==, 8);
}

TEST(ring_runs_end_at_the_end_of_the_array)
{
    struct ring ring;
    ring_init(&ring, 8);
    ring_put(&ring, 6);
    ring_take(&ring, 5);
    expect_that(ring_used_run(&ring).index, ==, 5);
    expect_that(ring_used_run(&ring).length, ==, 1);
    expect_that(ring_room_run(&ring).index, ==, 6);
    expect_that(ring_room_run(&ring).length, ==, 2);
    ring_put(&ring, 7);
    expect_that(ring_room(&ring), ==, 0);
    expect_that(ring_room_run(&ring).length, ==, 0);
    expect_that(ring_used_run(&ring).length, ==, 3);
    ring_take(&ring, 3);
    expect_that(ring_used_run(&ring).index, ==, 0);
    expect_that(ring_used_run(&ring).length, ==, 5);
}

/* A stream of bytes through a ring comes out as it went in, also while the indices wrap round. */
static void pass_stream(size_t capacity, size_t start)
{
    uint8_t slots[16], sent = 0, received = 0;
    uint64_t seed = start + capacity;
    struct ring ring;
    ring_init(&ring, capacity);
    ring.put = ring.taken = start;
    for (unsigned round = 0; round < 3000; round++) {
        struct ring_run room = ring_room_run(&ring);
        size_t count = test_random(&seed) % (room.length + 1);
        for (size_t i = 0; i < count; i++)
            slots[room.index + i] = sent++;
        ring_put(&ring, count);
        expect_that(ring_used(&ring) + ring_room(&ring), ==, capacity);

        struct ring_run used = ring_used_run(&ring);
        count = test_random(&seed) % (used.length + 1);
        for (size_t i = 0; i < count; i++)
            expect_that(slots[used.index + i], ==, received++);
        ring_take(&ring, count);
    }
    expect_that((uint8_t)(sent - received), ==, ring_used(&ring));
}

TEST(ring_passes_a_stream)
{
    for (size_t capacity = 1; capacity <= 16; capacity *= 2) {
        pass_stream(capacity, 0);
        pass_stream(capacity, SIZE_MAX - 100);
    }
}

static volatile size_t three = 3;

static void put_too_much(void)
{
    struct ring ring;
    ring_init(&ring, 2);
    ring_put(&ring, three);
}

static void take_too_much(void)
{
    struct ring ring;
    ring_init(&ring, 4);
    ring_put(&ring, 2);
    ring_take(&ring, three);
}

static void init_odd(void)
{
    struct ring ring;
    ring_init(&ring, three);
}

static void init_empty(void)
{
    struct ring ring;
    ring_init(&ring, three - 3);
}

TEST(ring_holds_its_contract)
{
    expect_death(put_too_much, "slots <= ring_room(ring)");
    expect_death(take_too_much, "slots <= ring_used(ring)");
    expect_death(init_odd, "capacity");
    expect_death(init_empty, "capacity");
}
