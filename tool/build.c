/* build.c - running ninja, and showing of what it says only what a user needs: progress on a
 * terminal, and errors.
 *
 * SPDX-License-Identifier: ISC */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <loom/module.h>

#include "configure.h"
#include "fail.h"
#include "process.h"

/* Begins ninja's status lines, so that they are told apart from what compilers say. */
#define STATUS_MARK "\001"

struct ninja_reader {
    struct line_reader reader;
    bool terminal;
    bool shown;   /* a progress line stands on the terminal */
    bool command; /* the next line is the command that failed: long, and of no use */
};

static void progress_clear(struct ninja_reader *ninja)
{
    if (ninja->shown) fputs("\r\033[K", stderr);
    ninja->shown = false;
}

static void progress_show(struct ninja_reader *ninja, const char *status)
{
    if (!ninja->terminal) return;
    fprintf(stderr, "\r\033[K%.78s", status);
    fflush(stderr);
    ninja->shown = true;
}

static void ninja_read(struct line_reader *reader, char *line)
{
    struct ninja_reader *ninja = (struct ninja_reader *)reader;
    if (ninja->command) {
        ninja->command = false;
        return;
    }
    if (line[0] == STATUS_MARK[0]) {
        progress_show(ninja, line + 1);
        return;
    }
    if (strncmp(line, "FAILED: ", 8) == 0) {
        ninja->command = true;
        return;
    }
    if (strncmp(line, "ninja: no work", 14) == 0 || strncmp(line, "ninja: build stopped", 20) == 0)
        return;
    progress_clear(ninja);
    fprintf(stderr, "%s\n", line);
}

static bool ninja_run(const struct application *application, const char *program)
{
    struct ninja_reader ninja = { .reader = { ninja_read }, .terminal = isatty(STDERR_FILENO) };
    struct command_line line = { .count = 0 };
    if (!process_exists("ninja")) {
        fail("there is no ninja, which builds images; install it: apt-get install ninja-build");
    }
    setenv("NINJA_STATUS", STATUS_MARK "[%f/%t] ", 1);
    if (ninja.terminal) setenv("CLICOLOR_FORCE", "1", 1);
    command_line_add(&line, "ninja", program);
    int status = process_run(&line, application->output, &ninja.reader);
    progress_clear(&ninja);
    return status == 0;
}

bool build(const struct application *application, const struct keys *keys, const char *suffix)
{
    int lock = build_lock(application);
    bool built = configure_if_changed(application, keys) &&
                 ninja_run(application, text_of("%s%s", application_name(application), suffix));
    build_unlock(lock);
    return built;
}

const char *build_or_fail(const struct application *application, const struct keys *keys,
                          const char *suffix)
{
    if (!build(application, keys, suffix)) exit(STATUS_FAILED);
    return application_file(application, text_of("%s%s", application_name(application), suffix));
}
