/* timer_test.c - the timing wheel beside a plain list of deadlines, under virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "base/timer.h"

#include "base/units.h"
#include "base/view.h"
#include "test/death.h"
#include "test/test.h"

#define TICK_NS ((uint64_t)1 << TIMER_TICK_SHIFT)

/* The wheel's last tick ends here; what lies behind it is 584 years away. */
#define LAST_TICK_NS (UINT64_MAX - (TICK_NS - 1))

static struct timer_wheel wheel;

static void begin(uint64_t now_ns)
{
    timer_wheel_init(&wheel, now_ns);
}

TEST(timer_wheel_begins_empty)
{
    struct timer timer = { 0 };
    begin(12345678);
    expect_that(timer_next_ns(&wheel), ==, NEVER);
    expect(timer_take_due(&wheel, 12345678) == NULL);
    expect(timer_take_due(&wheel, UINT64_MAX) == NULL);
    expect(!timer_is_running(&timer));
    timer_stop(&wheel, &timer);
}

TEST(timer_never_starts_nothing)
{
    struct timer timer = { 0 };
    begin(0);
    timer_start(&wheel, &timer, NEVER);
    expect(!timer_is_running(&timer));
    expect_that(timer_next_ns(&wheel), ==, NEVER);
}

TEST(timer_of_the_past_is_due_at_once)
{
    struct timer timer = { 0 }, other = { 0 };
    begin(S_NS);
    timer_start(&wheel, &timer, 0);
    timer_start(&wheel, &other, S_NS - TICK_NS);
    expect_that(timer_next_ns(&wheel), ==, 0);
    expect(timer_take_due(&wheel, S_NS) == &timer);
    expect(timer_take_due(&wheel, S_NS) == &other);
    expect(timer_take_due(&wheel, S_NS) == NULL);
    expect(!timer_is_running(&timer));
}

TEST(timer_that_is_due_can_be_stopped)
{
    struct timer timer = { 0 }, other = { 0 };
    begin(S_NS);
    timer_start(&wheel, &timer, 1);
    timer_start(&wheel, &other, 2);
    timer_stop(&wheel, &timer);
    expect(!timer_is_running(&timer));
    expect(timer_take_due(&wheel, S_NS) == &other);
    expect_that(timer_next_ns(&wheel), ==, NEVER);
}

/* Alone in the wheel, at every distance there is: not before its deadline, at most a tick after it,
 * and found in few steps by one who sleeps until timer_next_ns. */
static void expect_on_time(uint64_t now_ns, uint64_t deadline_ns)
{
    struct timer timer = { 0 };
    begin(now_ns);
    timer_start(&wheel, &timer, deadline_ns);
    for (unsigned steps = 0;; steps++) {
        expect_that(steps, <=, TIMER_LEVELS);
        uint64_t next_ns = MAX(timer_next_ns(&wheel), now_ns);
        expect_that(next_ns, <, deadline_ns + TICK_NS);
        now_ns = next_ns;
        struct timer *due = timer_take_due(&wheel, now_ns);
        if (due == &timer) break;
        expect(due == NULL);
        expect(timer_take_due(&wheel, MAX(now_ns, deadline_ns - 1) / TICK_NS * TICK_NS) == NULL);
        now_ns = MAX(now_ns, (deadline_ns - 1) / TICK_NS * TICK_NS);
    }
    expect_that(now_ns, >=, deadline_ns);
}

TEST(timer_is_on_time_at_every_distance)
{
    uint64_t seed = 10;
    for (unsigned bit = 0; bit < 63; bit++) {
        uint64_t distance_ns = (uint64_t)1 << bit;
        expect_on_time(0, distance_ns);
        expect_on_time(0, distance_ns + 1);
        expect_on_time(TICK_NS - 1, distance_ns + TICK_NS);
        for (unsigned round = 0; round < 20; round++) {
            uint64_t now_ns = test_random(&seed) >> 2;
            expect_on_time(now_ns, now_ns + 1 + test_random(&seed) % distance_ns);
        }
    }
    expect_on_time(0, LAST_TICK_NS - TICK_NS);
}

/* ---- beside a plain list ---- */

#define TIMERS 300

struct entry {
    struct timer timer;
    bool is_running;
    uint64_t key; /* the tick at which it is due, or was already when it started */
};

static struct entry entries[TIMERS];
static uint64_t now_ns;

static uint64_t tick_up(uint64_t deadline_ns)
{
    return deadline_ns / TICK_NS + (deadline_ns % TICK_NS != 0);
}

static void start(struct entry *entry, uint64_t deadline_ns)
{
    timer_start(&wheel, &entry->timer, deadline_ns);
    entry->is_running = true;
    entry->key = MAX(tick_up(deadline_ns), now_ns / TICK_NS);
    expect(timer_is_running(&entry->timer));
}

static void stop(struct entry *entry)
{
    timer_stop(&wheel, &entry->timer);
    entry->is_running = false;
    expect(!timer_is_running(&entry->timer));
}

static void take_all_due(void)
{
    uint64_t last_key = 0;
    for (struct timer *timer = timer_take_due(&wheel, now_ns); timer != NULL;
         timer = timer_take_due(&wheel, now_ns)) {
        struct entry *entry = CONTAINER_OF(timer, struct entry, timer);
        expect(entry->is_running);
        entry->is_running = false;
        expect_that(timer->deadline_ns, <=, now_ns);
        expect_that(entry->key, >=, last_key);
        last_key = entry->key;
    }
}

static void expect_nothing_forgotten(void)
{
    uint64_t earliest_ns = NEVER;
    for (size_t i = 0; i < TIMERS; i++) {
        const struct entry *entry = &entries[i];
        expect(timer_is_running(&entry->timer) == entry->is_running);
        if (!entry->is_running) continue;
        expect_that(tick_up(entry->timer.deadline_ns), >, now_ns / TICK_NS);
        earliest_ns = MIN(earliest_ns, tick_up(entry->timer.deadline_ns) * TICK_NS);
    }
    uint64_t next_ns = timer_next_ns(&wheel);
    expect(earliest_ns == NEVER ? next_ns == NEVER : next_ns <= earliest_ns);
    expect_that(next_ns, >, now_ns);
}

static uint64_t random_distance(uint64_t *seed)
{
    return test_random(seed) >> (22 + test_random(seed) % 42);
}

TEST(timer_wheel_is_what_a_list_is)
{
    uint64_t seed = 11;
    now_ns = 987654321;
    begin(now_ns);
    for (unsigned round = 0; round < 20000; round++) {
        struct entry *entry = &entries[test_random(&seed) % TIMERS];
        if (entry->is_running && test_random(&seed) % 3 == 0) {
            stop(entry);
        } else if (!entry->is_running) {
            bool is_late = test_random(&seed) % 16 == 0;
            uint64_t distance_ns = random_distance(&seed);
            start(entry, is_late ? now_ns - MIN(now_ns, distance_ns) : now_ns + distance_ns);
        }
        switch (test_random(&seed) % 8) {
        case 0: now_ns += random_distance(&seed); break;
        case 1:
            now_ns = timer_next_ns(&wheel) == NEVER ? now_ns : MAX(now_ns, timer_next_ns(&wheel));
            break;
        case 2: now_ns += test_random(&seed) % (3 * TICK_NS); break;
        default: continue;
        }
        take_all_due();
        expect_nothing_forgotten();
    }
}

/* ---- by the hundred thousand ---- */

#define MANY 100000

static struct timer many[MANY];

TEST(timer_wheel_scales_to_100000)
{
    uint64_t seed = 12, at_ns = 0, last_ns = 0;
    size_t taken = 0;
    unsigned wakes = 0;
    begin(0);
    for (size_t i = 0; i < MANY; i++) {
        many[i] = (struct timer){ 0 };
        timer_start(&wheel, &many[i], 1 + test_random(&seed) % (3600 * S_NS));
    }
    for (size_t i = 0; i < MANY; i += 2)
        timer_stop(&wheel, &many[i]);
    while (timer_next_ns(&wheel) != NEVER) {
        at_ns = timer_next_ns(&wheel);
        for (struct timer *timer = timer_take_due(&wheel, at_ns); timer != NULL;
             timer = timer_take_due(&wheel, at_ns)) {
            expect_that(timer->deadline_ns, <=, at_ns);
            expect_that(timer->deadline_ns + TICK_NS, >, at_ns);
            expect_that(timer->deadline_ns + TICK_NS, >, last_ns);
            last_ns = timer->deadline_ns;
            taken++;
        }
        wakes++;
    }
    expect_that(taken, ==, MANY / 2);
    /* One wake for each, and those that only move timers down a level. */
    expect_that(wakes, <, TIMER_LEVELS * MANY / 2);
}

/* One jump over everything. */
TEST(timer_wheel_survives_a_jump)
{
    uint64_t seed = 13;
    size_t taken = 0;
    begin(0);
    for (size_t i = 0; i < MANY; i++) {
        many[i] = (struct timer){ 0 };
        timer_start(&wheel, &many[i], test_random(&seed) >> (1 + test_random(&seed) % 60));
    }
    while (timer_take_due(&wheel, LAST_TICK_NS) != NULL)
        taken++;
    expect_that(taken, ==, MANY);
    expect_that(timer_next_ns(&wheel), ==, NEVER);
}

static void start_twice(void)
{
    static struct timer timer;
    begin(0);
    timer_start(&wheel, &timer, 5 * S_NS);
    timer_start(&wheel, &timer, 6 * S_NS);
}

TEST(timer_holds_its_contract)
{
    expect_death(start_twice, "!timer_is_running(timer)");
}
