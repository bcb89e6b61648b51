/* disks.c - which files `loom run` makes the disks of an image.
 *
 * SPDX-License-Identifier: ISC */
#include "disks.h"

#include <stdio.h>
#include <string.h>

#include <loom/module.h>

#include "fail.h"

enum { DISKS_MAX = 16, WORD_BYTES = 64 };

struct disk {
    const char *prefix, *name; /* of its boot parameters, and its own */
    const char *file;          /* what was asked for, or NULL */
};

struct disks {
    struct disk disks[DISKS_MAX];
    size_t count;
};

/* ---- the image's disks ---- */

static void line_read(struct disks *disks, const char *line)
{
    char prefix[WORD_BYTES], name[WORD_BYTES];
    if (sscanf(line, "block %63s %63s", prefix, name) != 2 || disks->count == DISKS_MAX) return;
    disks->disks[disks->count++] = (struct disk){
        .prefix = strcmp(prefix, "-") == 0 ? "" : text_of("%s", prefix),
        .name = text_of("%s", name),
    };
}

static struct disks disks_read(const struct application *application)
{
    struct disks disks = { .count = 0 };
    char line[3 * WORD_BYTES];
    FILE *file = fopen(application_file(application, "nets.txt"), "r");
    if (file == NULL) return disks;
    while (fgets(line, sizeof line, file) != NULL)
        line_read(&disks, line);
    fclose(file);
    return disks;
}

/* A name is what stands before "=", unless that is the path of a file. */
static const char *file_of(const char *item, const char **name)
{
    size_t length = strcspn(item, "=./");
    bool has_name = length > 0 && item[length] == '=';
    *name = has_name ? text_of("%.*s", (int)length, item) : "";
    return has_name ? item + length + 1 : item;
}

static struct disk *disk_find(struct disks *disks, const char *name)
{
    for (size_t i = 0; i < disks->count; i++) {
        struct disk *disk = &disks->disks[i];
        if (strcmp(disk->prefix, name) == 0 || strcmp(disk->name, name) == 0) return disk;
    }
    return NULL;
}

/* ---- the option ---- */

static void attach_item(struct disks *disks, const char *item)
{
    const char *name, *file = file_of(item, &name);
    struct disk *disk = disk_find(disks, name);
    if (disks->count == 0)
        fail_usage("--block %s: the image has no disk; see `loom describe`", item);
    if (disk == NULL && name[0] != '\0')
        fail_usage("--block %s: the image has no disk of the name %s; see `loom describe`", item,
                   name);
    if (disk == NULL)
        fail_usage("--block %s: every disk of the image has a name: write --block NAME=%s", item,
                   item);
    if (file[0] == '\0') fail_usage("--block %s: write the path of a file behind it", item);
    if (disk->file != NULL) fail_usage("--block %s: that disk is %s already", item, disk->file);
    disk->file = file;
}

/* Several are separated by commas. */
static struct disks disks_attached(const struct application *application,
                                   const struct options *options)
{
    struct disks disks = disks_read(application);
    const char *list = options->values[DISKS_BLOCK];
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ",");
        attach_item(&disks, text_of("%.*s", (int)length, list));
        list += length + (list[length] == ',');
    }
    return disks;
}

void disks_add(struct command_line *line, const struct application *application,
               const struct options *options)
{
    struct disks disks = disks_attached(application, options);
    for (size_t i = 0; i < disks.count; i++) {
        const struct disk *disk = &disks.disks[i];
        if (disk->file == NULL) continue;
        command_line_add(line, text_of("--%s%sblock=%s", disk->prefix,
                                       disk->prefix[0] != '\0' ? "-" : "", disk->file));
    }
}

void disks_attach(struct command_line *line, const struct application *application,
                  const struct options *options)
{
    struct disks disks = disks_attached(application, options);
    for (size_t i = 0; i < disks.count; i++) {
        const struct disk *disk = &disks.disks[i];
        const char *prefix = text_of("%s%s", disk->prefix, disk->prefix[0] != '\0' ? "=" : "");
        if (disk->file == NULL)
            fail_usage("the image has a disk: add --block %sFILE; `truncate -s 64M FILE` makes an "
                       "empty one",
                       prefix);
        command_line_add(line, "--block", text_of("%s=%s", disk->name, disk->file));
    }
}

void disks_refuse(const struct options *options)
{
    if (options->values[DISKS_BLOCK] == NULL) return;
    fail_usage("--block %s: a simulated image's disk is in memory; -- --block-size=SIZE says how "
               "long it is",
               options->values[DISKS_BLOCK]);
}
