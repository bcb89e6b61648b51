/* world_test.h - a world as a test: it runs in a process of its own, under one seed or many.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_WORLD_TEST_H
#define LOOM_SIM_WORLD_TEST_H

#include "target/sim/worlds.h"
#include "test/test.h"

#define WORLD_TEST(name, seed_count) \
    static void name##_world(struct world *world); \
    TEST(name) \
    { \
        expect(worlds_run(&(struct worlds){ #name, name##_world, 1, (seed_count), { 0 } })); \
    } \
    static void name##_world(struct world *world)

#endif
