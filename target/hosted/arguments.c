/* arguments.c - the command line as views.
 *
 * SPDX-License-Identifier: ISC */
#include "target/hosted/arguments.h"

#include "target/arguments.h"
#include "target/console.h"

static struct {
    struct view views[ARGUMENTS_MAX];
    size_t count;
} arguments;

void arguments_set(int count, char *const words[])
{
    for (int i = 1; i < count && arguments.count < ARGUMENTS_MAX; i++)
        arguments.views[arguments.count++] = view_from_string(words[i]);
    if (count > ARGUMENTS_MAX + 1)
        console_write_diagnostic(VIEW("more than 256 boot parameters: the rest is ignored\n"));
}

const struct view *target_arguments(size_t *count)
{
    *count = arguments.count;
    return arguments.views;
}
