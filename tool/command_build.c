/* command_build.c - `loom configure`, `loom build` and `loom test`: making an image, or the program
 * of its tests.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loom/module.h>

#include "build.h"
#include "command.h"
#include "configure.h"
#include "fail.h"
#include "options.h"
#include "process.h"

int command_configure(int count, char *arguments[])
{
    struct options options = {
        .name = "configure",
        .words =
            "Compiles and runs APP/config.c, which yields the graph of devices, main.c and "
            "build.ninja. The keys given here are all that hold: those remembered are forgotten",
        .arguments = "[APP]",
        .takes_keys = true,
    };
    options_read(&options, count, arguments);
    struct application application = options_application(&options);
    configure(&application, options.keys);
    return 0;
}

static void say_built(const char *image)
{
    struct stat status;
    if (!isatty(STDERR_FILENO) || stat(image, &status) != 0) return;
    fprintf(stderr, "%s\n", image);
}

int command_build(int count, char *arguments[])
{
    struct options options = {
        .name = "build",
        .words = "Builds APP/build/TARGET/NAME, and configures before that when something changed",
        .arguments = "[APP]",
        .takes_keys = true,
    };
    options_read(&options, count, arguments);
    struct application application = options_application(&options);
    say_built(build_or_fail(&application, &options.keys, ""));
    return 0;
}

static bool file_says_something(const struct application *application, const char *name,
                                char **text)
{
    *text = file_read(application_file(application, name));
    return *text != NULL && (*text)[0] != '\0';
}

/* Without tests there is nothing to run; and a module that lacks its fixture would not be tested,
 * though it could. */
static void check_tests(const struct application *application)
{
    char *text;
    if (file_says_something(application, "fixtures.txt", &text)) {
        text[strcspn(text, "\n")] = '\0';
        fail("%s: %s", application->shown, text);
    }
    if (!file_says_something(application, "tests.txt", &text)) {
        bool simulates = application->target->runner != NULL;
        fail("%s: it has no tests; write some in %s/%s%s_test.c, as %s tells", application->shown,
             application->folder, application_name(application), simulates ? "_world" : "",
             simulates ? "target/sim/world.h" : "lib/test/test.h");
    }
}

int command_test(int count, char *arguments[])
{
    struct options options = {
        .name = "test",
        .words = "Runs the tests in APP/*_test.c, and the conformance suite of each signature that "
                 "APP's own modules implement; with -t sim the worlds in APP/*_world_test.c; with "
                 "names, "
                 "those tests whose names contain one of them. They are configured with the keys "
                 "given here and the defaults, whatever is remembered for the image",
        .arguments = "[APP] [-- NAME...]",
        .takes_keys = true,
        .takes_rest = true,
    };
    options_read(&options, count, arguments);
    struct application image = options_application(&options);
    if (image.target->is_machine)
        fail_usage("test: tests are programs of the host; leave -t vm out, or take -t sim");
    struct application application = application_for_tests(&image);
    int lock = build_lock(&application);
    bool configured = configure_if_changed(&application, &options.keys);
    build_unlock(lock);
    if (!configured) return STATUS_FAILED;
    check_tests(&application);
    struct command_line line = { .count = 0 };
    command_line_add(&line, build_or_fail(&application, &options.keys, "-test"));
    for (int i = 0; i < options.rest_count; i++)
        command_line_add(&line, options.rest[i]);
    process_become(&line);
    fail("cannot run %s: %s", line.words[0], strerror(errno));
}
