/* simulate.h - `loom run -t sim`: the image as nodes of a simulated network.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_SIMULATE_H
#define LOOM_TOOL_SIMULATE_H

#include "options.h"
#include "process.h"

/* The options that `loom run` has for it, by their letters. */
#define SIMULATE_SEED  's'
#define SIMULATE_FOR   'f'
#define SIMULATE_NODES 'n'
#define SIMULATE_GET   'g'

#define SIMULATE_OPTIONS \
    { "seed", SIMULATE_SEED, "N", 0, "with -t sim: the same seed gives the same run (1)", 0 }, \
        { "for", SIMULATE_FOR, "DURATION", 0, "with -t sim: of virtual time (10s)", 0 }, \
        { "nodes", SIMULATE_NODES, "N", 0, "with -t sim: so many of them on one switch (1)", 0 }, \
    { \
        "get", SIMULATE_GET, "URL", 0, "with -t sim: fetch it from them, show it, and end", 0 \
    }

/* Ends the command when one of them was given without -t sim. */
void simulate_refuse(const struct options *options);

/* Builds image and simulator, and adds the command line that runs them. */
void simulate_add(struct command_line *line, const struct application *application,
                  const struct options *options);

#endif
