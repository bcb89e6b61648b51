/* configure.c - compiling config.c for the host, and running it.
 *
 * SPDX-License-Identifier: ISC */
#include "configure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loom/module.h>

#include "changes.h"
#include "diagnostics.h"
#include "fail.h"
#include "process.h"

static void folder_make(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return;
    fail("cannot make %s: %s; everything that is built of an application goes there: make its "
         "folder writable, or copy the application",
         path, strerror(errno));
}

static void output_make(const struct application *application)
{
    folder_make(text_of("%s/build", application->folder));
    folder_make(application->output);
    folder_make(application_file(application, "self"));
}

int build_lock(const struct application *application)
{
    output_make(application);
    const char *path = application_file(application, "build.lock");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0) {
        fail("cannot write %s: %s; it belongs to somebody else: remove %s/build, or copy the "
             "application",
             path, strerror(errno), application->folder);
    }
    if (flock(lock, LOCK_EX) != 0) fail("flock %s: %s", path, strerror(errno));
    return lock;
}

void build_unlock(int lock)
{
    close(lock);
}

/* gcc where there is one, else clang; $CC before both. */
static const char *compiler_default(void)
{
    const char *chosen = getenv("CC");
    if (chosen != NULL && chosen[0] != '\0') return chosen;
    return !process_exists("gcc") && process_exists("clang") ? "clang" : "gcc";
}

static void compiler_check(const char *compiler)
{
    if (process_exists(compiler)) return;
    fail("there is no compiler %s; install one (apt-get install gcc) or name another with CC=",
         compiler);
}

static bool compiler_is_clang(const char *compiler)
{
    return strstr(compiler, "clang") != NULL;
}

/* One mistake should be one error, at the line of config.c where it was made: so the compiler stops
 * after the first, gcc is told to forget that `start` is a macro, and the diagnostics pass through
 * a filter. */
static bool config_compile(const struct application *application, const char *compiler)
{
    const struct house *house = &application->house;
    struct command_line line = { .count = 0 };
    command_line_add(&line, compiler, "-std=gnu17", "-O0", "-Wall", "-Wextra",
                     "-Wno-unused-variable", "-Wno-unused-function", "-Wno-unused-const-variable",
                     "-Werror");
    if (compiler_is_clang(compiler)) {
        command_line_add(&line, "-ferror-limit=1");
    } else {
        command_line_add(&line, "-ftrack-macro-expansion=0", "-fmax-errors=1");
    }
    command_line_add(
        &line, "-I", house->folder, "-I", text_of("%s/lib", house->folder), "-I",
        text_of("%s/tool", house->folder), "-MMD", "-MF", application_file(application, "config.d"),
        "-o", application_file(application, "config.run"), application->shown, house->library);
    return diagnostics_run(&line, application->shown);
}

static bool config_run(const struct application *application, const struct keys *keys)
{
    struct command_line line = { .count = 0 };
    command_line_add(&line, application_file(application, "config.run"), application->house.folder,
                     application->folder, application->output, application->target->name,
                     application->house.loom, application->shown);
    command_line_add_list(&line, keys->words);
    int status = process_run(&line, NULL, NULL);
    if (status == STATUS_USAGE) exit(STATUS_USAGE);
    if (status > 128) {
        fprintf(stderr,
                "%s:1: error: describing the image was ended by signal %d; does the file use a "
                "pointer that is a device's, which none is before the image runs?\n",
                application->shown, status - 128);
    }
    return status == 0;
}

/* clangd looks into every folder above a source, and into `build` there. It is a clang and refuses
 * what only gcc knows, so it does not get to see the hardening, which does not change what code
 * means. */
static void write_compile_commands(const struct application *application)
{
    static const char script[] =
        "ninja -t compdb compile compile_house configure | "
        "sed 's/ -fsanitize[^ ]*//g; s/ -ftrivial-auto-var-init=[^ ]*//g' "
        "> compile_commands.json.new && mv compile_commands.json.new compile_commands.json && "
        "ln -sfn \"$0/compile_commands.json\" ../compile_commands.json";
    struct command_line line = { .count = 0 };
    if (!process_exists("ninja")) return;
    command_line_add(&line, "sh", "-c", script, strrchr(application->output, '/') + 1);
    if (process_run(&line, application->output, NULL) != 0) {
        notice("%s: compile_commands.json could not be written", application->output);
    }
}

static void write_keys(const struct application *application, const struct keys *keys)
{
    const char *path = application_file(application, "keys.txt");
    FILE *file = fopen(path, "w");
    if (file == NULL) fail("cannot write %s: %s", path, strerror(errno));
    for (size_t i = 0; i < keys->count; i++)
        fprintf(file, "%s\n", keys->words[i]);
    fclose(file);
}

static bool configure_with(const struct application *application, struct keys *keys)
{
    if (keys_value(keys, "cc") == NULL) keys_set(keys, text_of("--cc=%s", compiler_default()));
    const char *compiler = keys_value(keys, "cc");
    compiler_check(compiler);

    struct changes_mark mark = changes_begin(application);
    if (!config_compile(application, compiler) || !config_run(application, keys)) return false;
    write_keys(application, keys);
    write_compile_commands(application);
    changes_end(application, &mark);
    return true;
}

void configure(const struct application *application, struct keys keys)
{
    int lock = build_lock(application);
    if (!configure_with(application, &keys)) exit(STATUS_FAILED);
    build_unlock(lock);
}

/* Those that are given and, unless it forgets them, those of the last time. */
static struct keys keys_wanted(const struct application *application, const struct keys *given)
{
    struct keys keys = { .count = 0 };
    const char *compiler = getenv("CC");
    if (!application->forgets_keys) keys = keys_remembered(application);
    for (size_t i = 0; i < given->count; i++)
        keys_set(&keys, given->words[i]);
    if (compiler != NULL && compiler[0] != '\0' && keys_value(given, "cc") == NULL)
        keys_set(&keys, text_of("--cc=%s", compiler));
    if (keys_value(&keys, "cc") == NULL) keys_set(&keys, text_of("--cc=%s", compiler_default()));
    return keys;
}

bool configure_if_changed(const struct application *application, const struct keys *given)
{
    struct keys keys = keys_wanted(application, given), before = keys_remembered(application);
    bool same = keys.count == before.count;
    for (size_t i = 0; same && i < keys.count; i++)
        same = strcmp(keys.words[i], before.words[i]) == 0;
    if (same && !changes_there_are(application)) return true;
    return configure_with(application, &keys);
}
