/* drawing.c - from graph.dot to an SVG at home on light and dark pages, alone or within one.
 *
 * Graphviz writes colours into each shape. A style sheet wins over those, so one is put in: it
 * takes the page's colours by custom properties where the page has them, and else follows
 * prefers-color-scheme.
 *
 * SPDX-License-Identifier: ISC */
#include "drawing.h"

#include <string.h>

#include "process.h"

static const char style[] =
    "<style>\n"
    ".loom-graph { max-width: 100%; height: auto;\n"
    "  --ink: #1d2733; --line: #6b7785; --quiet: #4a5562; --fill: #eef3f8;\n"
    "  --edge: #35618f; --strong: #35618f; --strong-ink: #ffffff; }\n"
    "@media (prefers-color-scheme: dark) { .loom-graph {\n"
    "  --ink: #e4eaf0; --line: #8a97a5; --quiet: #a9b4bf; --fill: #1d2a38;\n"
    "  --edge: #6fa3d8; --strong: #6fa3d8; --strong-ink: #10181f; } }\n"
    ".loom-graph text { fill: var(--loom-ink, var(--ink)); stroke: none;\n"
    "  font-family: system-ui, Helvetica, Arial, sans-serif; }\n"
    ".loom-graph .device path { fill: var(--loom-fill, var(--fill));\n"
    "  stroke: var(--loom-edge, var(--edge)); }\n"
    ".loom-graph .application path { fill: var(--loom-strong, var(--strong)); stroke: none; }\n"
    ".loom-graph .application text { fill: var(--loom-strong-ink, var(--strong-ink)); }\n"
    ".loom-graph .node text:first-of-type { font-weight: 600; }\n"
    ".loom-graph .edge path { stroke: var(--loom-line, var(--line)); }\n"
    ".loom-graph .edge polygon { fill: var(--loom-line, var(--line));\n"
    "  stroke: var(--loom-line, var(--line)); }\n"
    ".loom-graph .edge text { fill: var(--loom-quiet, var(--quiet)); font-style: italic; }\n"
    "</style>\n";

struct svg_reader {
    struct line_reader reader;
    FILE *file;
    bool begun; /* past the XML declaration and the document type, which have no place within a page
                 */
    bool styled; /* the style sheet has been put in */
};

static void svg_read(struct line_reader *reader, char *line)
{
    struct svg_reader *svg = (struct svg_reader *)reader;
    if (!svg->begun && strncmp(line, "<svg ", 5) == 0) {
        svg->begun = true;
        fputs("<svg class=\"loom-graph\" role=\"img\" aria-label=\"the graph of devices\" ",
              svg->file);
        line += 5;
    }
    if (!svg->begun) return;
    fprintf(svg->file, "%s\n", line);
    if (!svg->styled && strchr(line, '>') != NULL) {
        svg->styled = true;
        fputs(style, svg->file);
    }
}

bool drawing_is_possible(void)
{
    return process_exists("dot");
}

bool drawing_write(FILE *file, const char *dot)
{
    struct svg_reader svg = { .reader = { svg_read }, .file = file };
    struct command_line line = { .count = 0 };
    command_line_add(&line, "dot", "-Tsvg", dot);
    return process_run(&line, NULL, &svg.reader) == 0 && svg.styled;
}
