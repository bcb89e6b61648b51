/* write.c - a report of sizes as a table for a terminal, as JSON, and as a table for a page.
 *
 * SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "size/size.h"

static const char *const kinds[SIZE_KINDS] = { "text", "rodata", "data", "bss" };

static int module_width(const struct size_report *report)
{
    size_t width = strlen("module");
    for (size_t i = 0; i < report->count; i++) {
        size_t length = strlen(report->rows[i].module);
        if (length > width) width = length;
    }
    return (int)width;
}

static void write_table_row(FILE *file, int width, const char *module, const struct size_row *row)
{
    fprintf(file, "%-*s", width, module);
    for (int kind = 0; kind < SIZE_KINDS; kind++)
        fprintf(file, " %9" PRIu64, row->bytes[kind]);
    fprintf(file, " %9" PRIu64 "\n", row->total_bytes);
}

void size_write_table(FILE *file, const struct size_report *report)
{
    int width = module_width(report);
    fprintf(file, "%-*s", width, "module");
    for (int kind = 0; kind < SIZE_KINDS; kind++)
        fprintf(file, " %9s", kinds[kind]);
    fprintf(file, " %9s\n", "total");
    for (size_t i = 0; i < report->count; i++)
        write_table_row(file, width, report->rows[i].module, &report->rows[i]);
    write_table_row(file, width, "total", &report->total);
}

/* Names of modules and images are C identifiers, paths of ours and names of libraries: nothing to
 * escape but these. */
static void write_quoted(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

static void write_json_sizes(FILE *file, const struct size_row *row)
{
    for (int kind = 0; kind < SIZE_KINDS; kind++)
        fprintf(file, "\"%s\": %" PRIu64 ", ", kinds[kind], row->bytes[kind]);
    fprintf(file, "\"total\": %" PRIu64 " }", row->total_bytes);
}

void size_write_json(FILE *file, const struct size_report *report, const char *image)
{
    fputs("{\n  \"image\": ", file);
    write_quoted(file, image);
    fputs(",\n  \"modules\": [", file);
    for (size_t i = 0; i < report->count; i++) {
        fputs(i == 0 ? "\n    { \"module\": " : ",\n    { \"module\": ", file);
        write_quoted(file, report->rows[i].module);
        fputs(", ", file);
        write_json_sizes(file, &report->rows[i]);
    }
    fputs("\n  ],\n  \"total\": { ", file);
    write_json_sizes(file, &report->total);
    fputs("\n}\n", file);
}

static void write_html_row(FILE *file, const char *module, const struct size_row *row)
{
    fprintf(file, "<tr><th scope=\"row\">%s</th>", module);
    for (int kind = 0; kind < SIZE_KINDS; kind++)
        fprintf(file, "<td>%" PRIu64 "</td>", row->bytes[kind]);
    fprintf(file, "<td>%" PRIu64 "</td></tr>\n", row->total_bytes);
}

void size_write_html(FILE *file, const struct size_report *report)
{
    fputs("<table class=\"size\">\n<caption>Bytes by module</caption>\n<thead><tr><th "
          "scope=\"col\">module</th>",
          file);
    for (int kind = 0; kind < SIZE_KINDS; kind++)
        fprintf(file, "<th scope=\"col\">%s</th>", kinds[kind]);
    fputs("<th scope=\"col\">total</th></tr></thead>\n<tbody>\n", file);
    for (size_t i = 0; i < report->count; i++)
        write_html_row(file, report->rows[i].module, &report->rows[i]);
    fputs("</tbody>\n<tfoot>\n", file);
    write_html_row(file, "total", &report->total);
    fputs("</tfoot>\n</table>\n", file);
}
