/* diagnostics.c - a filter between the compiler and the user.
 *
 * The user wrote `start(hello_start, http)`. That it is a macro, where it is defined and how it
 * expands helps nobody: such notes, and the closing remarks that the first error was the last, are
 * left out.
 *
 * SPDX-License-Identifier: ISC */
#include "diagnostics.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"

struct diagnostics {
    struct line_reader reader;
    const char *config;
    bool hidden;   /* the diagnostic that is being read is left out, with the lines that show its
                      source */
    bool no_image; /* nothing in it says unikernel() */
};

static bool has_any(const char *line, const char *const texts[])
{
    for (size_t i = 0; texts[i] != NULL; i++) {
        if (strstr(line, texts[i]) != NULL) return true;
    }
    return false;
}

static bool begins_diagnostic(const char *line)
{
    static const char *const marks[] = { ": error: ",
                                         ": warning: ",
                                         ": note: ",
                                         ": fatal error: ",
                                         "In file included from ",
                                         ": In function ",
                                         "undefined reference to",
                                         NULL };
    return has_any(line, marks);
}

static bool is_noise(const char *line)
{
    static const char *const marks[] = {
        "note: expanded from macro",
        "note: in expansion of macro",
        "note: in definition of macro",
        "In file included from ",
        ": In function ",
        "fatal error: too many errors emitted",
        "compilation terminated due to ",
        "all warnings being treated as errors",
        " error generated.",
        " errors generated.",
        "error: ld returned ",
        "linker command failed",
        NULL,
    };
    return has_any(line, marks);
}

/* Of what the linker says round an undefined unikernel, which is said below in one line. */
static bool is_of_linker(const char *line)
{
    static const char *const marks[] = {
        "undefined reference to `unikernel_", "references to `unikernel_",
        "relocation against `unikernel_",     "): in function `",
        "warning: creating DT_TEXTREL",       NULL
    };
    return has_any(line, marks);
}

static void diagnostics_read(struct line_reader *reader, char *line)
{
    struct diagnostics *diagnostics = (struct diagnostics *)reader;
    if (strstr(line, "unikernel_wire") != NULL && strstr(line, "undefined") != NULL) {
        diagnostics->no_image = true;
        diagnostics->hidden = true;
        return;
    }
    if (is_of_linker(line)) {
        diagnostics->hidden = true;
        return;
    }
    if (is_noise(line)) {
        diagnostics->hidden = true;
        return;
    }
    if (begins_diagnostic(line)) diagnostics->hidden = false;
    if (!diagnostics->hidden) fprintf(stderr, "%s\n", line);
}

bool diagnostics_run(const struct command_line *compiler, const char *config)
{
    struct diagnostics diagnostics = { .reader = { diagnostics_read }, .config = config };
    int status = process_run(compiler, NULL, &diagnostics.reader);
    if (status != 0 && diagnostics.no_image) {
        fprintf(stderr,
                "%s:1: error: it describes no image; write unikernel(NAME) { ... start(NAME_start, "
                "...); }\n",
                config);
    }
    return status == 0;
}
