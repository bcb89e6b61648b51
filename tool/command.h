/* command.h - the commands of `loom`.
 *
 * Each is given its command line with its own name first, and returns the exit status: 0, 1 when it
 * failed, 2 when it was misused.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_COMMAND_H
#define LOOM_TOOL_COMMAND_H

struct command {
    const char *name;
    const char *arguments;
    const char *words; /* NULL: not for users, so not in `loom help` */
    int (*run)(int count, char *arguments[]);
};

/* Ends with one whose name is NULL. */
extern const struct command commands[];

int command_new(int count, char *arguments[]);
int command_configure(int count, char *arguments[]);
int command_build(int count, char *arguments[]);
int command_run(int count, char *arguments[]);
int command_test(int count, char *arguments[]);
int command_describe(int count, char *arguments[]);
int command_size(int count, char *arguments[]);
int command_debug(int count, char *arguments[]);
int command_doctor(int count, char *arguments[]);
int command_targets(int count, char *arguments[]);
int command_clean(int count, char *arguments[]);
int command_help(int count, char *arguments[]);
int command_self(int count, char *arguments[]);

#endif
