/* command_run.c - `loom run`: becoming the image.
 *
 * The command does not stay between: it becomes the image, so that signals, the terminal and the
 * exit status are the image's. Of a machine it names the functions in a crash report, and passes on
 * all else.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <loom/module.h>

#include "command.h"
#include "disks.h"
#include "fail.h"
#include "launch.h"
#include "machine.h"
#include "network.h"
#include "options.h"
#include "process.h"
#include "relay.h"
#include "simulate.h"
#include "watch.h"

int command_run(int count, char *arguments[])
{
    static const struct argp_option own[] = {
        NETWORK_OPTIONS,
        DISKS_OPTIONS,
        { "watch", 'w', NULL, 0, "build and start it again whenever a source changes", 0 },
        SIMULATE_OPTIONS,
        MACHINE_OPTIONS,
        MACHINE_CORE_OPTION,
        { 0 },
    };
    struct options options = {
        .name = "run",
        .words = "Builds the image and runs it with the boot parameters after `--`; `-- --help` "
                 "lists them",
        .arguments = "[APP] [-- BOOT PARAMETERS]",
        .own = own,
        .lists = NETWORK_LISTS DISKS_LISTS,
        .takes_keys = true,
        .takes_rest = true,
    };
    options_read(&options, count, arguments);
    network_check(&options);
    struct application application = options_application(&options);
    if (options.values['w'] != NULL && application.target->runner == NULL)
        return watch_run(&application, &options);
    struct command_line line = { .count = 0 };
    const char *image = launch_add(&line, &application, &options);
    if (application.target->is_machine) return relay_run(&line, image);
    process_become(&line);
    fail("cannot run %s: %s", line.words[0], strerror(errno));
}
