/* fuzz_machine_image.c - a file that somebody says is an image for a machine: it is refused, or
 * laid out, and neither reads nor writes anything that is not its own.
 *
 * What is taken is laid out in a machine of a megabyte or four, with the file's end as its command
 * line. Of the result is checked that no page is writable and executable, and that none of the
 * tables is shown.
 *
 * SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/units.h"
#include "target/machine/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define PAGE            ((uint64_t)MACHINE_PAGE_BYTES)
#define ARGUMENTS_BYTES 64
#define SYSTEM_BYTES    (4 * PAGE)

static struct machine_image image;
static struct machine_layout layout;

static struct span pages_take(uint64_t length_bytes)
{
    void *bytes = aligned_alloc(PAGE, length_bytes);
    assert(bytes != NULL);
    span_fill(span_from(bytes, length_bytes), 0);
    return span_from(bytes, length_bytes);
}

/* Every word of the tables that is present, whatever its level. */
static void check_tables(const struct machine_layout_parameters *parameters)
{
    struct view tables = view_from_offset(span_view(parameters->tables), SYSTEM_BYTES);
    const uint64_t own = parameters->tables_physical + SYSTEM_BYTES;
    for (size_t at = 0; at < tables.length_bytes; at += 8) {
        uint64_t entry;
        __builtin_memcpy(&entry, view_slice(tables, at, 8).bytes, 8);
        uint64_t address = entry & 0xffffffffff000;
        /* Those that lead to a table permit everything: rights are the last level's. */
        bool is_last = address < own;
        if ((entry & 1) == 0) continue;
        assert(!is_last || (entry & 2) == 0 || entry >> 63 == 1);
        assert(!is_last || (entry & 4) == 0 || address < parameters->memory.length_bytes);
    }
}

static void lay_out(uint64_t memory_bytes, struct view arguments)
{
    const struct machine_layout_parameters parameters = {
        .memory = pages_take(memory_bytes),
        .tables = pages_take(machine_tables_bytes(memory_bytes)),
        .tables_physical = memory_bytes,
        .arguments = arguments,
        .slide_seed = 0x123456789,
        .crossing = MACHINE_BY_PORT,
    };
    enum result result = machine_lay_out(&layout, &image, &parameters);
    if (result == OK) {
        assert(layout.boot->magic == MACHINE_MAGIC);
        check_tables(&parameters);
    } else {
        assert(result == INVALID || layout.memory_needed_bytes > memory_bytes);
    }
    free(parameters.memory.bytes);
    free(parameters.tables.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct view file = view_from(bytes, length_bytes);
    if (machine_image_read(&image, file) != OK) {
        assert(image.problem != NULL);
        return 0;
    }
    assert(image.length_bytes % PAGE == 0 && image.entry < image.length_bytes);
    size_t from = length_bytes - MIN(length_bytes, ARGUMENTS_BYTES);
    lay_out(1 * MIB, view_from_offset(file, from));
    lay_out(4 * MIB, view_from_offset(file, from));
    return 0;
}
