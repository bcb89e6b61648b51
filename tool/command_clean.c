/* command_clean.c - `loom clean` and `loom targets`.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loom/module.h>

#include "command.h"
#include "fail.h"
#include "options.h"
#include "target.h"

int command_targets(int count, char *arguments[])
{
    struct options options = { .name = "targets", .words = "Lists what an image can run on" };
    options_read(&options, count, arguments);
    for (const struct target *target = targets; target->name != NULL; target++)
        printf("%-8s %s\n", target->name, target->words);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    if (remove(path) != 0) fail("cannot remove %s: %s", path, strerror(errno));
    return 0;
}

/* Only a folder that says it is ours is removed: `build` is a common name. */
static void remove_output(const char *output)
{
    if (access(text_of("%s/build.lock", output), F_OK) != 0) return;
    nftw(output, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Of the image, and of its tests. */
static void remove_both(const char *output)
{
    remove_output(output);
    remove_output(application_test_output(output));
}

int command_clean(int count, char *arguments[])
{
    struct options options = {
        .name = "clean",
        .words = "Removes APP/build, keys that were chosen included; with -t only what was built "
                 "for TARGET",
        .arguments = "[APP]",
    };
    options_read(&options, count, arguments);
    struct application application = options_application(&options);
    if (options.has_target) {
        remove_both(application.output);
    } else {
        for (const struct target *target = targets; target->name != NULL; target++)
            remove_both(text_of("%s/build/%s", application.folder, target->name));
    }
    const char *build = text_of("%s/build", application.folder);
    const char *commands_link = text_of("%s/compile_commands.json", build);
    if (access(commands_link, F_OK) != 0) unlink(commands_link);
    rmdir(build);
    return 0;
}
