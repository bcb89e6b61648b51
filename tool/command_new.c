/* command_new.c - `loom new`: a new unikernel from the template in tool/template.
 *
 * There @name@ stands for the new one's name and @NAME@ for the same in capitals, in the files and
 * in their names; and each file's name ends in ".in", so that nothing takes a template for a
 * source.
 *
 * SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loom/module.h>

#include "application.h"
#include "command.h"
#include "fail.h"
#include "options.h"

struct template
{
    const char *name, *capitals;
};

/* The text with every `mark` replaced by `by`. */
static const char *text_replace(const char *text, const char *mark, const char *by)
{
    const char *filled = "";
    for (const char *found = strstr(text, mark); found != NULL; found = strstr(text, mark)) {
        filled = text_of("%s%.*s%s", filled, (int)(found - text), text, by);
        text = found + strlen(mark);
    }
    return text_of("%s%s", filled, text);
}

static const char *text_fill(const struct template *template, const char *text)
{
    return text_replace(text_replace(text, "@name@", template->name), "@NAME@", template->capitals);
}

/* "@name@.c.in" makes "shop.c". A leading dot is put on here, because a template that git heeds is
 * none. */
static const char *file_name(const struct template *template, const char *name)
{
    size_t length = strlen(name) - strlen(".in");
    const char *dot = strncmp(name, "gitignore", 9) == 0 ? "." : "";
    return text_of("%s%s", dot, text_fill(template, text_of("%.*s", (int)length, name)));
}

static void folder_make(const char *path)
{
    if (mkdir(path, 0777) == 0) return;
    if (errno == ENOENT) fail("cannot make %s: the folder it would stand in is not there", path);
    fail("cannot make %s: %s; choose another place", path, strerror(errno));
}

static void file_copy(const char *from, const char *to, const struct template *template)
{
    char *text = file_read(from);
    FILE *file = fopen(to, "wx");
    if (text == NULL || file == NULL) fail("cannot copy %s to %s: %s", from, to, strerror(errno));
    fputs(text_fill(template, text), file);
    if (fclose(file) != 0) fail("cannot write %s: %s", to, strerror(errno));
}

static void folder_copy(const char *from, const char *to, const struct template *template)
{
    glob_t found;
    struct stat status;
    folder_make(to);
    if (glob(text_of("%s/*", from), 0, NULL, &found) != 0)
        fail("%s is empty; install Loom again", from);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        const char *name = strrchr(path, '/') + 1;
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            folder_copy(path, text_of("%s/%s", to, name), template);
        } else {
            file_copy(path, text_of("%s/%s", to, file_name(template, name)), template);
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
                   "letters, digits and _",
                   name);
    }
}

/* Its files are called after it: NAME.c would take config.c's place, and NAME.h that of a header of
 * ours. */
static void check_name_is_free(const char *name, const struct house *house)
{
    const char *library = text_of("%s/lib/%s", house->folder, name);
    if (strcmp(name, "config") == 0 || strcmp(name, "main") == 0 || access(library, F_OK) == 0) {
        fail_usage("\"%s\" is a name that Loom has taken for a part of its own; choose another",
                   name);
    }
}

static const char *capitals_of(const char *name)
{
    const char *capitals = "";
    for (const char *letter = name; *letter != '\0'; letter++)
        capitals = text_of("%s%c", capitals, toupper((unsigned char)*letter));
    return capitals;
}

int command_new(int count, char *arguments[])
{
    struct options options = {
        .name = "new",
        .words = "Makes a folder with a unikernel that serves pages over HTTP: its code, config.c, "
                 "pages and a test. A path is fine: its last part is the name",
        .arguments = "NAME",
    };
    options_read(&options, count, arguments);
    if (!options.has_path) fail_usage("new: which name? loom new NAME");

    size_t length = strlen(options.path);
    while (length > 1 && options.path[length - 1] == '/')
        length--;
    const char *path = text_of("%.*s", (int)length, options.path);
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    struct house house = house_find();
    struct stat status;
    check_name(name);
    check_name_is_free(name, &house);
    if (stat(path, &status) == 0) {
        fail("%s is there already; choose another name, or remove it", path);
    }
    const struct template template = { .name = name, .capitals = capitals_of(name) };
    folder_copy(text_of("%s/tool/template", house.folder), path, &template);
    printf(
        "%s is there. Next:\n  loom run %s      then open http://localhost:8080/\n  loom test %s\n",
        path, path, path);
    return 0;
}
