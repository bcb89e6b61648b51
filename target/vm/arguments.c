/* arguments.c - the command line of the boot pages as views.
 *
 * SPDX-License-Identifier: ISC */
#include "target/arguments.h"

#include "base/units.h"
#include "target/console.h"
#include "target/vm/boot.h"
#include "target/vm/services.h"

static struct {
    struct view views[ARGUMENTS_MAX];
    size_t count;
    bool is_cut;
} arguments;

void arguments_open(void)
{
    struct view boot = view_from(boot_page, sizeof *boot_page + MACHINE_ARGUMENTS_MAX);
    size_t length_bytes = MIN((size_t)boot_page->arguments_bytes, (size_t)MACHINE_ARGUMENTS_MAX);
    struct view rest = view_slice(boot, boot_page->arguments_offset, length_bytes);
    while (!view_is_empty(rest) && arguments.count < ARGUMENTS_MAX)
        arguments.views[arguments.count++] = view_cut(rest, 0, &rest);
    arguments.is_cut = !view_is_empty(rest);
}

const struct view *target_arguments(size_t *count)
{
    if (arguments.is_cut)
        console_write_diagnostic(VIEW("more than 256 boot parameters: the rest is ignored\n"));
    arguments.is_cut = false;
    *count = arguments.count;
    return arguments.views;
}
