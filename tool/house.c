/* house.c - finding the house.
 *
 * SPDX-License-Identifier: ISC */
#include "house.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <loom/module.h>

#include "fail.h"

static const char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return text_of("%.*s", (int)(slash - path), path);
}

struct house house_find(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) fail("cannot read /proc/self/exe; is /proc mounted?");
    path[length] = '\0';

    struct house house = { .loom = text_of("%s", path) };
    const char *above = folder_of(folder_of(path));
    house.folder = above;
    house.library = text_of("%s/build/libloom-config.a", above);
    if (access(house.library, R_OK) != 0) {
        house.folder = text_of("%s/share/loom", above);
        house.library = text_of("%s/libloom-config.a", house.folder);
    }
    if (access(house.library, R_OK) != 0) {
        fail("%s: its own files are neither in %s/lib nor in %s; run `make` in Loom's tree, or "
             "`make install`",
             path, above, house.folder);
    }
    return house;
}

const char *house_program(const struct house *house, const char *name)
{
    const char *slash = strrchr(house->loom, '/');
    return text_of("%.*s/%s", (int)(slash - house->loom), house->loom, name);
}
