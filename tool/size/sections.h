/* sections.h - the sections of an ELF image that take memory when it runs.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_SECTIONS_H
#define LOOM_TOOL_SECTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "size/size.h"

enum { SECTIONS_MAX = 128, SECTION_NAME_MAX = 64 };

struct section {
    char name[SECTION_NAME_MAX];
    enum size_kind kind;
    uint64_t address, size_bytes;
    uint64_t accounted_bytes; /* to objects, by the linker's map */
    uint64_t accounted_end;   /* the address up to which it is */
};

struct sections {
    struct section sections[SECTIONS_MAX];
    size_t count;
};

/* Ends the command with an error when the file is no 64-bit ELF image. */
void sections_read(struct sections *sections, const char *image);

/* NULL: no such section takes memory. */
struct section *sections_find(struct sections *sections, const char *name);

#endif
