/* command_new.c - `loom new`: a new unikernel from the template in tool/template.
 *
 * In the template's files, and in their names, NAME stands for the new one's name.
 *
 * SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <loom/module.h>

#include "application.h"
#include "command.h"
#include "fail.h"
#include "options.h"

static const char MARK[] = "NAME";

/* The text with every NAME replaced. */
static const char *text_fill(const char *text, const char *name)
{
    const char *filled = "";
    for (const char *mark = strstr(text, MARK); mark != NULL; mark = strstr(text, MARK)) {
        filled = text_of("%s%.*s%s", filled, (int)(mark - text), text, name);
        text = mark + sizeof MARK - 1;
    }
    return text_of("%s%s", filled, text);
}

static void folder_make(const char *path)
{
    if (mkdir(path, 0777) != 0) fail("cannot make %s: %s", path, strerror(errno));
}

static void file_copy(const char *from, const char *to, const char *name)
{
    char *text = file_read(from);
    FILE *file = fopen(to, "wx");
    if (text == NULL || file == NULL) fail("cannot copy %s to %s: %s", from, to, strerror(errno));
    fputs(text_fill(text, name), file);
    if (fclose(file) != 0) fail("cannot write %s: %s", to, strerror(errno));
}

static void folder_copy(const char *from, const char *to, const char *name)
{
    glob_t found;
    struct stat status;
    folder_make(to);
    if (glob(text_of("%s/*", from), 0, NULL, &found) != 0)
        fail("%s is empty; install Loom again", from);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        const char *copy = text_of("%s/%s", to, text_fill(strrchr(path, '/') + 1, name));
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            folder_copy(path, copy, name);
        } else {
            file_copy(path, copy, name);
        }
    }
    globfree(&found);
}

/* The name becomes part of C names. */
static void check_name(const char *name)
{
    bool fits = islower((unsigned char)name[0]);
    for (const char *letter = name; *letter != '\0'; letter++)
        fits = fits && (islower((unsigned char)*letter) || isdigit((unsigned char)*letter) ||
                        *letter == '_');
    if (!fits) {
        fail_usage("\"%s\" cannot be a unikernel's name, which is part of names in C: take small "
                   "letters, digits "
                   "and _",
                   name);
    }
}

int command_new(int count, char *arguments[])
{
    struct options options = {
        .name = "new",
        .words = "Makes a folder with a unikernel that serves pages over HTTP: its code, config.c, "
                 "pages and a test. "
                 "A path is fine: its last part is the name",
        .arguments = "NAME",
    };
    options_read(&options, count, arguments);
    if (!options.has_path) fail_usage("new: which name? loom new NAME");

    const char *slash = strrchr(options.path, '/');
    const char *name = slash != NULL ? slash + 1 : options.path;
    struct house house = house_find();
    struct stat status;
    check_name(name);
    if (stat(options.path, &status) == 0) {
        fail("%s is there already; choose another name, or remove it", options.path);
    }
    folder_copy(text_of("%s/tool/template", house.folder), options.path, name);
    printf(
        "%s is there. Next:\n  loom run %s      then open http://localhost:8080/\n  loom test %s\n",
        options.path, options.path, options.path);
    return 0;
}
