/* obstacle.h - what stands in the way of something on this machine.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_OBSTACLE_H
#define LOOM_TOOL_OBSTACLE_H

/* In words, with the command that mends it; NULL: nothing. */
struct obstacle {
    const char *what, *remedy;
};

#endif
