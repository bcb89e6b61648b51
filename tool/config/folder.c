/* folder.c - folders that config.c names.
 *
 * SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <sys/stat.h>

#include "config/graph.h"

const char *folder_path(struct place place, const char *folder)
{
    struct stat status;
    const char *path = folder[0] == '/' ? folder : text_of("%s/%s", graph.application, folder);
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        place_error(place, "there is no folder %s; make it, or name another (from %s)", folder,
                    graph.application);
    }
    const char *absolute = realpath(path, NULL);
    return absolute != NULL ? absolute : path;
}
