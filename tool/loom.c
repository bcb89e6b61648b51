/* loom.c - the `loom` command: finds the command that was asked for, and runs it.
 *
 * SPDX-License-Identifier: ISC */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "target.h"

const struct command commands[] = {
    { "new", "NAME", "make a new unikernel, which builds, runs and has a test", command_new },
    { "configure", "[-t TARGET] [APP]",
      "weave it: the graph, main.c, build.ninja; build does it by itself", command_configure },
    { "build", "[-t TARGET] [APP]", "build its image: APP/build/TARGET/NAME", command_build },
    { "run", "[-t TARGET] [APP] [-- BOOT PARAMETERS]", "build it and run it", command_run },
    { "test", "[APP] [-- NAME...]",
      "run its tests, and the suites of the signatures that it implements", command_test },
    { "describe", "[-t TARGET] [--dot|--svg] [APP]", "say or draw what it is made of",
      command_describe },
    { "size", "[-t TARGET] [--json] [APP]", "say which module costs what", command_size },
    { "debug", "[-t TARGET] [APP] [-- BOOT PARAMETERS]", "run it under gdb", command_debug },
    { "doctor", "", "say what this machine can run, and what mends what it cannot",
      command_doctor },
    { "targets", "", "list what an image can run on", command_targets },
    { "clean", "[-t TARGET] [APP]", "remove what was built of it", command_clean },
    { "help", "[COMMAND]", "tell this, or about one command", command_help },
    { "self", "OUTPUT", NULL, command_self },
    { NULL, NULL, NULL, NULL },
};

static const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) return command;
    }
    return NULL;
}

static int help(FILE *file)
{
    fputs("Usage: loom COMMAND [ARGUMENTS]\n\n"
          "Weaves one application and the libraries it uses into one image: a unikernel.\n"
          "APP is an application's folder, by default this one.\n\n",
          file);
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (command->words != NULL) fprintf(file, "  %-10s %s\n", command->name, command->words);
    }
    fputs("\n`loom COMMAND --help` tells about one; `loom --version` says which Loom this is.\n",
          file);
    return 0;
}

int command_help(int count, char *arguments[])
{
    if (count < 2 || arguments[1][0] == '-') return help(stdout);
    const struct command *command = command_find(arguments[1]);
    if (command == NULL) fail_usage("there is no command %s; see `loom help`", arguments[1]);
    if (command->run == command_help) return help(stdout);
    char option[] = "--help";
    char *asked[] = { arguments[1], option, NULL };
    return command->run(2, asked);
}

int main(int count, char *arguments[])
{
    argp_err_exit_status = STATUS_USAGE;
    if (count < 2) {
        help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(arguments[1], "--version") == 0) {
        puts("loom " LOOM_VERSION);
        return 0;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) return help(stdout);

    const struct command *command = command_find(arguments[1]);
    if (command == NULL) fail_usage("there is no command %s; see `loom help`", arguments[1]);
    return command->run(count - 1, arguments + 1);
}
