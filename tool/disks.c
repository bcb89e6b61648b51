/* disks.c - which files `loom run` makes the disks of an image.
 *
 * SPDX-License-Identifier: ISC */
#include "disks.h"

#include <stdio.h>
#include <string.h>

#include <loom/module.h>

#include "fail.h"
#include "list.h"

enum { WORD_BYTES = 64 };

struct disk {
    const char *prefix, *name; /* of its boot parameters, and its own */
    const char *file;          /* what was asked for, or NULL */
    bool is_direct, is_read_only;
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

static struct disk *disk_find(struct disks *disks, const char *name)
{
    for (size_t i = 0; i < disks->count; i++) {
        struct disk *disk = &disks->disks[i];
        if (strcmp(disk->prefix, name) == 0 || strcmp(disk->name, name) == 0) return disk;
    }
    return NULL;
}

/* ---- the option ---- */

static struct disk *attach_item(struct disks *disks, const char *item)
{
    const char *name, *file = list_item_file(item, &name);
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
    return disk;
}

/* Several are separated by commas, and so are the words that say how one is attached. */
static struct disks disks_attached(const struct application *application,
                                   const struct options *options)
{
    struct disks disks = disks_read(application);
    struct disk *last = NULL;
    const char *list = options->values[DISKS_BLOCK];
    for (const char *item = list_next(&list); item != NULL; item = list_next(&list)) {
        if (last != NULL && strcmp(item, "direct") == 0) {
            last->is_direct = true;
        } else if (last != NULL && strcmp(item, "read-only") == 0) {
            last->is_read_only = true;
        } else {
            last = attach_item(&disks, item);
        }
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
        if (disk->is_direct || disk->is_read_only)
            fail_usage("--block %s,%s: that is for a machine; add -t vm", disk->file,
                       disk->is_direct ? "direct" : "read-only");
        command_line_add(line, text_of("--%s%sblock=%s", disk->prefix,
                                       disk->prefix[0] != '\0' ? "-" : "", disk->file));
    }
}

size_t disks_drives(const struct application *application, const struct options *options,
                    struct disks_drive drives[static DISKS_MAX])
{
    struct disks disks = disks_attached(application, options);
    for (size_t i = 0; i < disks.count; i++) {
        const struct disk *disk = &disks.disks[i];
        const char *prefix = text_of("%s%s", disk->prefix, disk->prefix[0] != '\0' ? "=" : "");
        if (disk->file == NULL)
            fail_usage("the image has a disk: add --block %sFILE; `truncate -s 64M FILE` makes an "
                       "empty one",
                       prefix);
        drives[i] = (struct disks_drive){ .name = disk->name,
                                          .file = disk->file,
                                          .is_direct = disk->is_direct,
                                          .is_read_only = disk->is_read_only };
    }
    return disks.count;
}

void disks_refuse(const struct options *options)
{
    if (options->values[DISKS_BLOCK] == NULL) return;
    fail_usage("--block %s: a simulated image's disk is in memory; -- --block-size=SIZE says how "
               "long it is",
               options->values[DISKS_BLOCK]);
}
