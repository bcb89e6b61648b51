/* machine.h - `loom run -t vm`: the monitor that runs a machine, and what it is given.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_MACHINE_H
#define LOOM_TOOL_MACHINE_H

#include "options.h"
#include "process.h"

/* The options that `loom run` has for it, by their letters. */
#define MACHINE_ON     'o'
#define MACHINE_MEMORY 'm'
#define MACHINE_CORE   'c'

/* Set by `loom debug`: the path of the socket at which it waits for gdb. */
#define MACHINE_DEBUGGER 'd'

#define MACHINE_OPTIONS \
    { "on", MACHINE_ON, "tender", 0, "with -t vm: what runs the machine (tender)", 0 }, \
    { \
        "mem", MACHINE_MEMORY, "SIZE", 0, "with -t vm: its memory, such as 16MiB (256MiB)", 0 \
    }

#define MACHINE_CORE_OPTION \
    { \
        "core", MACHINE_CORE, "FILE", OPTION_ARG_OPTIONAL, \
            "with -t vm: when it crashes, leave a core for gdb (NAME.core)", 0 \
    }

/* Ends the command when one of them was given for another target. */
void machine_refuse(const struct options *options);

/* Builds the image, and adds the monitor with the image and all that it is given. Ends the command
 * where no machine can run. The value is the image. */
const char *machine_add(struct command_line *line, const struct application *application,
                        const struct options *options);

/* What keeps a machine from running here, in words, with the command that mends it; NULL: nothing.
 */
struct machine_obstacle {
    const char *what, *remedy;
};
struct machine_obstacle machine_obstacle(const struct house *house);

#endif
