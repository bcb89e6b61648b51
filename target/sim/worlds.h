/* worlds.h - the same world under many seeds, each in a process of its own.
 *
 * So each starts from the same state to the byte, whatever ran before; one that crashes is told
 * and the others go on; and all processors are used.
 *
 *     static void lossy(struct world *world)
 *     {
 *         struct node *echo = world_add_node(world, &(struct node_parameters){
 *             .name = "echo", .image = "echo", .arguments = { "--ipv4=10.0.0.2/24" },
 *             .out = { .loss_per_million = 10000 } });
 *         node_start(echo);
 *         world_expect(world, node_wait_says(echo, VIEW("listening"), 5 * S_NS) == OK);
 *         ...
 *     }
 *     TEST(it_works_over_a_bad_wire)
 *     {
 *         expect(worlds_run(&(struct worlds){ .name = "lossy", .run = lossy, .seeds = 1000 }));
 *     }
 *
 *     SIM_SEED=17     that seed alone, in this very process, so that a debugger can follow; and
 * what happened is told in any case SIM_SEEDS=5000  so many, where the test asks for more than one
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_WORLDS_H
#define LOOM_SIM_WORLDS_H

#include "target/sim/world.h"

struct worlds {
    const char *name;
    /* Builds the world, lets it live and looks at it. Waits. What it finds wrong it says with
     * world_expect or world_fail. */
    void (*run)(struct world *world);
    uint64_t first; /* seed; 0 counts as 1 */
    uint64_t seeds; /* how many */
    struct world_parameters parameters;
};

/* Waits. Runs all seeds; the first that fails is reported, with how to run it alone. True: none
 * did. */
bool worlds_run(const struct worlds *worlds);

/* For `run`: fails the world with these words and leaves `run`. */
#define world_expect(world, condition) \
    ((condition) ? (void)0 : world_give_up(world, __FILE__, __LINE__, #condition))

/* Does not return: a world that is reported is at its end. */
__attribute__((noreturn)) void world_give_up(struct world *world, const char *file, unsigned line,
                                             const char *condition);

#endif
