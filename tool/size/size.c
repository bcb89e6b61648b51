/* size.c - adding up the linker's map by module.
 *
 * The map of GNU ld (-Wl,-Map) lists, after a line "Linker script and memory map", each output
 * section at the start of a line and under it, indented, what it was made of:
 *
 *     .text           0x0000000000001050     0x1a2b
 *      .text.http_get 0x0000000000001060       0x4c obj/house/lib/http/http.o
 *
 * A long name stands alone, its numbers on the next line. Sections that --gc-sections dropped stand
 * before that line, or have size 0.
 *
 * SPDX-License-Identifier: ISC */
#include "size/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <loom/module.h>

#include "fail.h"
#include "size/sections.h"

struct owner {
    char *object, *module;
};

struct owners {
    struct owner *owners;
    size_t count;
};

static struct owners owners_read(const char *path)
{
    struct owners owners = { NULL, 0 };
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) fail("cannot read %s: %s; build the image first", path, strerror(errno));
    while (getline(&line, &room, file) > 0) {
        char *tab = strchr(line, '\t');
        if (tab == NULL) continue;
        *tab = '\0';
        tab[1 + strcspn(tab + 1, "\n")] = '\0';
        owners.owners = realloc(owners.owners, (owners.count + 1) * sizeof *owners.owners);
        if (owners.owners == NULL) abort();
        owners.owners[owners.count++] = (struct owner){ strdup(line), strdup(tab + 1) };
    }
    free(line);
    fclose(file);
    return owners;
}

static void owners_free(struct owners *owners)
{
    for (size_t i = 0; i < owners->count; i++) {
        free(owners->owners[i].object);
        free(owners->owners[i].module);
    }
    free(owners->owners);
}

/* "/usr/lib/libz.a(inflate.o)" is libz; the objects that start a process and the rest of what the
 * compiler adds are the host's. */
static const char *owner_of_foreign(const char *file)
{
    const char *end = strstr(file, ".a(");
    if (end == NULL) return "host C library";
    const char *start = end;
    while (start > file && start[-1] != '/')
        start--;
    const char *name = text_of("%.*s", (int)(end - start), start);
    bool host = strcmp(name, "libc_nonshared") == 0 || strncmp(name, "libgcc", 6) == 0;
    return host ? "host C library" : name;
}

static const char *owner_of(const struct owners *owners, const char *file)
{
    for (size_t i = 0; i < owners->count; i++) {
        if (strcmp(owners->owners[i].object, file) == 0) return owners->owners[i].module;
    }
    return owner_of_foreign(file);
}

static void report_add(struct size_report *report, const char *module, enum size_kind kind,
                       uint64_t bytes)
{
    size_t i = 0;
    while (i < report->count && strcmp(report->rows[i].module, module) != 0)
        i++;
    if (i == SIZE_ROWS_MAX) fail("an image of more than %d modules", SIZE_ROWS_MAX);
    if (i == report->count) {
        report->rows[report->count++] = (struct size_row){ .module = strdup(module) };
    }
    report->rows[i].bytes[kind] += bytes;
    report->rows[i].total_bytes += bytes;
    report->total.bytes[kind] += bytes;
    report->total.total_bytes += bytes;
}

struct map_reader {
    struct sections *sections;
    const struct owners *owners;
    struct size_report *report;
    struct section
        *section; /* the output section that the lines are about; NULL: takes no memory */
};

/* How much of a section lies between these addresses and was not accounted for yet. The map lets
 * merged strings overlap. */
static uint64_t section_account(struct section *section, uint64_t start, uint64_t end)
{
    uint64_t limit = section->address + section->size_bytes;
    if (start < section->accounted_end) start = section->accounted_end;
    if (end > limit) end = limit;
    if (start >= end) return 0;
    section->accounted_end = end;
    section->accounted_bytes += end - start;
    return end - start;
}

/* " .text.x 0x1060 0x4c obj/x.o": from the numbers on, if there are two and a file. */
static void map_contribution(struct map_reader *map, const char *numbers)
{
    char *end;
    if (strncmp(numbers, "0x", 2) != 0) return;
    uint64_t address = strtoull(numbers, &end, 16);
    end += strspn(end, " ");
    if (strncmp(end, "0x", 2) != 0) return;
    uint64_t bytes = strtoull(end, &end, 16);
    end += strspn(end, " ");
    if (*end == '\0' || *end == '(' || map->section == NULL) return;
    bytes = section_account(map->section, address, address + bytes);
    if (bytes > 0) report_add(map->report, owner_of(map->owners, end), map->section->kind, bytes);
}

static void map_line(struct map_reader *map, char *line)
{
    if (line[0] == '.' || isalpha((unsigned char)line[0])) {
        line[strcspn(line, " ")] = '\0';
        map->section = sections_find(map->sections, line);
        return;
    }
    if (line[0] != ' ') return;
    line += strspn(line, " ");
    if (strncmp(line, "*fill*", 6) == 0 || *line == '*') return;
    if (strncmp(line, "0x", 2) != 0) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    map_contribution(map, line);
}

static void map_read(struct map_reader *map, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    bool begun = false;
    FILE *file = fopen(path, "r");
    if (file == NULL) fail("cannot read %s: %s; build the image again", path, strerror(errno));
    while (getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (begun) map_line(map, line);
        begun = begun || strcmp(line, "Linker script and memory map") == 0;
    }
    free(line);
    fclose(file);
    if (!begun) fail("%s: this is no map of GNU ld; build the image again", path);
}

static int row_compare(const void *left, const void *right)
{
    const struct size_row *a = left, *b = right;
    if (a->total_bytes != b->total_bytes) return a->total_bytes < b->total_bytes ? 1 : -1;
    return strcmp(a->module, b->module);
}

void size_read(struct size_report *report, const char *image, const char *objects)
{
    static struct sections sections;
    struct owners owners = owners_read(objects);
    struct map_reader map = { .sections = &sections, .owners = &owners, .report = report };

    memset(report, 0, sizeof *report);
    sections_read(&sections, image);
    map_read(&map, text_of("%s.map", image));
    for (size_t i = 0; i < sections.count; i++) {
        const struct section *section = &sections.sections[i];
        if (section->accounted_bytes < section->size_bytes) {
            report_add(report, "linker", section->kind,
                       section->size_bytes - section->accounted_bytes);
        }
    }
    owners_free(&owners);
    qsort(report->rows, report->count, sizeof *report->rows, row_compare);
}
