/* command_run.c - `loom run` and `loom debug`: becoming the image, or its debugger.
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

int command_debug(int count, char *arguments[])
{
    struct options options = {
        .name = "debug",
        .words = "Builds the image and starts gdb with it, which then knows `fibers`, `fiber "
                 "NUMBER`, and "
                 "after Ctrl-C `resume`; with --build=debug it is easier to follow",
        .arguments = "[APP] [-- BOOT PARAMETERS]",
        .takes_keys = true,
        .takes_rest = true,
    };
    options_read(&options, count, arguments);
    struct application application = options_application(&options);
    const char *script = text_of("%s/tool/gdb/loom.py", application.house.folder);
    if (application.target->is_machine)
        fail_usage(
            "debug: gdb does not reach into a machine; debug it as a process, without -t vm");
    if (!process_exists("gdb")) fail("there is no gdb; install it: apt-get install gdb");

    struct command_line line = { .count = 0 };
    command_line_add(&line, "gdb", "-q");
    if (access(script, R_OK) == 0) command_line_add(&line, "-x", script);
    command_line_add(&line, "--args");
    launch_add(&line, &application, &options);
    process_become(&line);
    fail("cannot run gdb: %s", strerror(errno));
}
