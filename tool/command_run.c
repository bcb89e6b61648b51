/* command_run.c - `loom run`: becoming the image.
 *
 * The command does not stay between: it becomes the image, so that signals, the terminal and the
 * exit status are the image's. Of a machine it names the functions in a crash report, and passes on
 * all else.
 *
 * SPDX-License-Identifier: ISC */
#include "command.h"
#include "disks.h"
#include "launch.h"
#include "machine.h"
#include "network.h"
#include "options.h"
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
        MACHINE_QEMU_OPTIONS,
        MACHINE_CORE_OPTION,
        { 0 },
    };
    struct options options = {
        .name = "run",
        .words = "Builds the image and runs it with the boot parameters after `--`; `-- --help` "
                 "lists them",
        .own = own,
    };
    struct application application = launch_read(&options, count, arguments);
    if (options.values['w'] != NULL && application.target->runner == NULL)
        return watch_run(&application, &options);
    struct launch launch;
    launch_make(&launch, &application, &options);
    return launch_run(&launch);
}
