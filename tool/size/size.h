/* size.h - what each module costs in an image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_SIZE_H
#define LOOM_TOOL_SIZE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum size_kind { SIZE_TEXT, SIZE_RODATA, SIZE_DATA, SIZE_BSS, SIZE_KINDS };

struct size_row {
    char *module;
    uint64_t bytes[SIZE_KINDS];
    uint64_t total_bytes;
};

enum { SIZE_ROWS_MAX = 256 };

struct size_report {
    struct size_row rows[SIZE_ROWS_MAX]; /* the most costly first */
    size_t count;
    struct size_row total;
};

/* Reads an image, the linker's map of it (IMAGE.map), and which module each object belongs to. The
 * total is that of the image's sections, and so what size(1) says; what the map accounts to no
 * object (padding, the linker's own tables) is a row of its own. Ends the command with an error
 * when a file is missing or not what it should be. */
void size_read(struct size_report *report, const char *image, const char *objects);

void size_write_table(FILE *file, const struct size_report *report);
void size_write_json(FILE *file, const struct size_report *report, const char *image);
void size_write_html(FILE *file, const struct size_report *report);

#endif
