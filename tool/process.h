/* process.h - running other programs.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_PROCESS_H
#define LOOM_TOOL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { COMMAND_LINE_MAX = 512 };

/* A command line in the making. */
struct command_line {
    const char *words[COMMAND_LINE_MAX + 1];
    size_t count;
};

/* Adds words to it. Ends the command when there are too many. */
#define command_line_add(line, ...) \
    command_line_add_list(line, (const char *const[]){ __VA_ARGS__, NULL })
void command_line_add_list(struct command_line *line, const char *const words[]);

/* Is given each line that a program writes, without its newline. */
struct line_reader {
    void (*read)(struct line_reader *reader, char *line);
};

/* Runs a program in a folder (NULL: here) to its end. Its output and errors go to the reader, or
 * are ours when that is NULL. The value is its exit status, 128 + the signal that ended it, or 127
 * when there is no such program. */
int process_run(const struct command_line *line, const char *folder, struct line_reader *reader);

/* Starts one and does not wait. */
pid_t process_start(const struct command_line *line);

/* The same, with its output and its errors to these descriptors. */
pid_t process_start_into(const struct command_line *line, int output, int errors);

/* The same for one that is apart from our terminal, in a process group of its own, and inherits
 * those that are kept besides. */
struct process_apart {
    int input, output, errors;
    const int *kept;
    size_t count;
};
pid_t process_start_apart(const struct command_line *line, const struct process_apart *apart);

/* Blocks SIGINT, SIGTERM, SIGCHLD, SIGHUP and this one (0: no other); the value is the descriptor
 * at which they are told of (signalfd(2)). A signal that is blocked is told of even where it was
 * ignored, so nohup(1) is heeded by not asking for SIGHUP there. */
int process_signals(int other);

/* What waitpid said, as an exit status. */
int process_status(int status);

/* Becomes that program. Returns only when it could not. */
void process_become(const struct command_line *line);

/* Whether a program of this name is in PATH, or at this path. */
bool process_exists(const char *name);

#endif
