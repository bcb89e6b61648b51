/* symbols.h - which function of an image an address lies in, for its crash report.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_SYMBOLS_H
#define LOOM_TOOL_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint64_t address, size_bytes; /* from the image's first byte */
    const char *name;
};

struct symbols {
    struct symbol *symbols; /* by address */
    size_t count;
};

/* Reads the functions of an ELF image. None, where there are none or it is no such image. */
struct symbols symbols_read(const char *image);

/* NULL: it is in no function. */
const struct symbol *symbols_find(const struct symbols *symbols, uint64_t address);

#endif
