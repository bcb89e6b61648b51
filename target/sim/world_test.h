/* world_test.h - a world as a test: it runs in a process of its own, under one seed or many.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_WORLD_TEST_H
#define LOOM_SIM_WORLD_TEST_H

#include "base/sanitizer.h"
#include "target/sim/worlds.h"
#include "test/test.h"

/* The sanitizers make everything some ten times as slow, and find what they find early. */
#define WORLD_SEEDS(count) (SANITIZED_ADDRESS ? ((count) + 9) / 10 : (count))

#define WORLD_TEST(name, seed_count) \
    static void name##_world(struct world *world); \
    TEST(name) \
    { \
        expect(worlds_run( \
            &(struct worlds){ #name, name##_world, 1, WORLD_SEEDS(seed_count), { 0 } })); \
    } \
    static void name##_world(struct world *world)

#endif
