/* crew_test.c - threads that work for the loop: each piece once, patience at the end, and a host
 * that has nothing left. What disks and resolvers make of it their own suites hold.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/crew.h"

#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "fiber/fiber.h"
#include "test/test.h"

#define PIECES 500

struct piece {
    struct list_node node;
    atomic_uint carried_out;
    unsigned told;
    bool told_in_fiber;
};

static struct piece pieces[PIECES];
static struct crew crew;
static atomic_bool gate_is_open;
static size_t told_count;

static void carry_out(struct crew *of, struct list_node *node)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    (void)of;
    while (!atomic_load(&gate_is_open))
        (void)nanosleep(&pause, NULL);
    CONTAINER_OF(node, struct piece, node)->carried_out++;
}

static void tell(struct crew *of, struct list_node *node)
{
    struct piece *piece = CONTAINER_OF(node, struct piece, node);
    expect(of == &crew);
    piece->told++;
    piece->told_in_fiber = fiber_current() != NULL;
    told_count++;
}

static struct crew_options options_of(size_t thread_count)
{
    return (struct crew_options){ .carry_out = carry_out,
                                  .tell = tell,
                                  .thread_count = thread_count,
                                  .stack_bytes = (size_t)64 * KIB };
}

static void open_crew(struct crew *opened, size_t thread_count, bool gate)
{
    const struct crew_options options = options_of(thread_count);
    atomic_store(&gate_is_open, gate);
    told_count = 0;
    for (size_t i = 0; i < PIECES; i++)
        pieces[i] = (struct piece){ 0 };
    expect_ok(crew_open(opened, &options));
}

static void expect_each_once(size_t thread_count)
{
    open_crew(&crew, thread_count, true);
    for (size_t i = 0; i < PIECES; i++)
        crew_give(&crew, &pieces[i].node);
    while (told_count < PIECES)
        (void)fiber_sleep(MS_NS);
    expect_that(crew_close(&crew, NEVER), ==, 0);
    for (size_t i = 0; i < PIECES; i++) {
        expect(pieces[i].carried_out == 1 && pieces[i].told == 1);
        expect(!pieces[i].told_in_fiber);
    }
}

TEST(crew_carries_each_out_once_and_tells_it_in_the_loop)
{
    expect_each_once(1);
    expect_each_once(CREW_THREADS_MAX);
}

/* What waits when it closes is not begun, and nobody is told. Who takes too long keeps the crew. */
TEST(crew_closes_over_what_waits)
{
    static struct crew left_behind;
    open_crew(&left_behind, 1, false);
    for (size_t i = 0; i < 3; i++)
        crew_give(&left_behind, &pieces[i].node);
    (void)fiber_sleep(20 * MS_NS);
    expect_that(crew_close(&left_behind, 10 * MS_NS), ==, 1);
    atomic_store(&gate_is_open, true);
    while (atomic_load(&pieces[0].carried_out) == 0)
        (void)fiber_sleep(MS_NS);
    (void)fiber_sleep(20 * MS_NS);
    expect(pieces[1].carried_out == 0 && pieces[2].carried_out == 0);
    expect_that(told_count, ==, 0);
}

/* ---- a host that has nothing left ---- */

static size_t open_descriptors(void)
{
    size_t count = 0;
    for (int i = 0; i < 256; i++) {
        int copy = dup(i);
        if (copy < 0) continue;
        (void)close(copy);
        count++;
    }
    return count;
}

TEST(crew_needs_a_descriptor)
{
    const struct crew_options options = options_of(1);
    struct rlimit before;
    expect(getrlimit(RLIMIT_NOFILE, &before) == 0);
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
    expect(setrlimit(RLIMIT_NOFILE, &none) == 0);
    enum result result = crew_open(&crew, &options);
    expect(setrlimit(RLIMIT_NOFILE, &before) == 0);
    expect_result(result, FULL);
}

TEST(crew_needs_threads)
{
    struct crew_options options = options_of(4);
    size_t before = open_descriptors();
    options.stack_bytes = SIZE_MAX / 4; /* nobody has so much */
    expect_result(crew_open(&crew, &options), FULL);
    expect_that(crew.thread_count, ==, 0);
    expect_that(open_descriptors(), ==, before);
}
