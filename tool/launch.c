/* launch.c - an image as a program, or with the program that runs it.
 *
 * SPDX-License-Identifier: ISC */
#include "launch.h"

#include "build.h"
#include "disks.h"
#include "machine.h"
#include "network.h"
#include "simulate.h"

static const char *process_add(struct command_line *line, const struct application *application,
                               const struct options *options)
{
    const char *image = build_or_fail(application, &options->keys, "");
    command_line_add(line, image);
    network_add(line, application, options);
    disks_add(line, application, options);
    for (int i = 0; i < options->rest_count; i++)
        command_line_add(line, options->rest[i]);
    return image;
}

const char *launch_add(struct command_line *line, const struct application *application,
                       const struct options *options)
{
    const struct target *target = application->target;
    if (!target->is_machine) machine_refuse(options);
    if (target->runner == NULL) simulate_refuse(options);
    if (target->is_machine) return machine_add(line, application, options);
    if (target->runner == NULL) return process_add(line, application, options);
    disks_refuse(options);
    simulate_add(line, application, options);
    return line->words[0];
}
