/* changes.c - is the configuration still good?
 *
 * The compiler's list of what config.c includes tells which files matter. Of the folders that
 * sources are taken from, only the names matter: an editor that leaves its own files there should
 * not cost a configuration.
 *
 * SPDX-License-Identifier: ISC */
#include "changes.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loom/module.h>

#include "fail.h"

static const char *stamp_of(const struct application *application)
{
    return application_file(application, "configured.txt");
}

/* FNV-1a, 64 bits: nobody attacks it, and a chance collision costs one `touch config.c`. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
    return hash;
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".c") == 0 || strcmp(dot, ".S") == 0);
}

/* A sum, so that it does not depend on the order in which a folder lists its files. */
static uint64_t folder_hash(const char *path)
{
    uint64_t sum = name_hash(path);
    DIR *folder = opendir(path);
    if (folder == NULL) return sum;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_source(entry->d_name)) sum += name_hash(entry->d_name);
    }
    closedir(folder);
    return sum;
}

static uint64_t sources_hash(const struct application *application)
{
    char *text = file_read(application_file(application, "folders.txt"));
    char *rest = NULL;
    uint64_t sum = 0;
    if (text == NULL) return 0;
    for (char *path = strtok_r(text, "\n", &rest); path != NULL; path = strtok_r(NULL, "\n", &rest))
        sum = sum * 31 + folder_hash(path);
    free(text);
    return sum;
}

struct changes_mark changes_begin(const struct application *application)
{
    struct changes_mark mark;
    unlink(stamp_of(application));
    clock_gettime(CLOCK_REALTIME_COARSE, &mark.began);
    return mark;
}

void changes_end(const struct application *application, const struct changes_mark *mark)
{
    FILE *file = fopen(stamp_of(application), "w");
    const struct timespec times[2] = { mark->began, mark->began };
    if (file == NULL) fail("cannot write %s", stamp_of(application));
    char here[PATH_MAX];
    if (getcwd(here, sizeof here) == NULL) fail("the current folder is gone");
    fprintf(file, "%s\n%s\n%016llx\n", here, application->house.loom,
            (unsigned long long)sources_hash(application));
    fflush(file);
    futimens(fileno(file), times);
    fclose(file);
}

static bool is_newer(const char *path, const struct timespec *than)
{
    struct stat status;
    if (stat(path, &status) != 0) return true;
    if (status.st_mtim.tv_sec != than->tv_sec) return status.st_mtim.tv_sec > than->tv_sec;
    return status.st_mtim.tv_nsec > than->tv_nsec;
}

/* What the compiler was told relative to where it ran. */
static bool file_is_newer(const char *here, const char *path, const struct timespec *than)
{
    return is_newer(path[0] == '/' ? path : text_of("%s/%s", here, path), than);
}

/* The compiler writes "config: one.c \<newline> two.h"; a backslash before a space belongs to a
 * name. */
static bool dependency_is_newer(const struct application *application, const char *here,
                                const struct timespec *than)
{
    char *text = file_read(application_file(application, "config.d"));
    bool newer = text == NULL;
    char *read = text != NULL ? strchr(text, ':') : NULL;
    char *word, *write;
    while (!newer && read != NULL && *read != '\0') {
        read += strspn(read, ": \n") + (*read == '\\' && read[1] == '\n' ? 1 : 0);
        if (*read == '\\' && read[1] == '\n') continue;
        word = write = read;
        while (*read != '\0' && *read != ' ' && *read != '\n') {
            if (*read == '\\' && (read[1] == ' ' || read[1] == '#')) read++;
            *write++ = *read++;
        }
        if (*read != '\0') read++;
        *write = '\0';
        if (*word != '\0') newer = file_is_newer(here, word, than);
    }
    free(text);
    return newer;
}

/* What changes_end wrote: where the compiler ran, which Loom it was, and which sources there were.
 */
struct stamp {
    char *here, *loom;
    uint64_t sources;
};

static bool stamp_read(const struct application *application, struct stamp *stamp)
{
    char *rest = NULL;
    char *text = file_read(stamp_of(application));
    if (text == NULL) return false;
    stamp->here = strtok_r(text, "\n", &rest);
    stamp->loom = strtok_r(NULL, "\n", &rest);
    const char *sources = strtok_r(NULL, "\n", &rest);
    if (sources == NULL) return false;
    stamp->sources = strtoull(sources, NULL, 16);
    return true;
}

bool changes_there_are(const struct application *application)
{
    struct stat status;
    struct stamp stamp;
    const struct house *house = &application->house;
    if (!stamp_read(application, &stamp) || stat(stamp_of(application), &status) != 0) return true;
    if (strcmp(stamp.loom, house->loom) != 0) return true;
    return access(application_file(application, "build.ninja"), R_OK) != 0 ||
           is_newer(house->library, &status.st_mtim) || is_newer(house->loom, &status.st_mtim) ||
           dependency_is_newer(application, stamp.here, &status.st_mtim) ||
           stamp.sources != sources_hash(application);
}
