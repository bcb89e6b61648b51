/* launch.c - an image as a program, or with the program that runs it.
 *
 * SPDX-License-Identifier: ISC */
#include "launch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "build.h"
#include "disks.h"
#include "fail.h"
#include "machine.h"
#include "network.h"
#include "relay.h"
#include "simulate.h"

struct application launch_read(struct options *options, int count, char *arguments[])
{
    options->arguments = "[APP] [-- BOOT PARAMETERS]";
    options->lists = NETWORK_LISTS DISKS_LISTS;
    options->takes_keys = options->takes_rest = true;
    options_read(options, count, arguments);
    network_check(options);
    return options_application(options);
}

static void process_launch(struct launch *launch, const struct application *application,
                           const struct options *options)
{
    launch->image = build_or_fail(application, &options->keys, "");
    command_line_add(&launch->line, launch->image);
    network_add(&launch->line, application, options);
    disks_add(&launch->line, application, options);
    for (int i = 0; i < options->rest_count; i++)
        command_line_add(&launch->line, options->rest[i]);
}

void launch_make(struct launch *launch, const struct application *application,
                 const struct options *options)
{
    const struct target *target = application->target;
    *launch = (struct launch){ .is_machine = target->is_machine };
    if (!target->is_machine) machine_refuse(options);
    if (target->runner == NULL) simulate_refuse(options);
    if (target->is_machine) {
        machine_launch(launch, application, options);
    } else if (target->runner == NULL) {
        process_launch(launch, application, options);
    } else {
        disks_refuse(options);
        simulate_add(&launch->line, application, options);
        launch->image = launch->line.words[0];
    }
}

int launch_run(const struct launch *launch)
{
    if (launch->is_machine) return relay_run(launch);
    process_become(&launch->line);
    fail("cannot run %s: %s", launch->line.words[0], strerror(errno));
}

pid_t launch_start(const struct launch *launch)
{
    if (!launch->is_machine) return process_start(&launch->line);
    fflush(NULL);
    pid_t process = fork();
    if (process < 0) fail("fork: %s", strerror(errno));
    if (process > 0) return process;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int status = relay_run(launch);
    fflush(NULL);
    _exit(status);
}
