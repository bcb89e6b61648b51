/* write_graph.c - the graph of devices: for graphviz (graph.dot), in words (graph.txt), and as the
 * manifest (manifest.json).
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"
#include "config/keys.h"
#include "config/output.h"

static const char *words_of(const struct device *device)
{
    if (device->words != NULL) return device->words;
    return device->module->words != NULL ? device->module->words : device->module->name;
}

static void write_dot_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\"\\", *text) != NULL) fputc('\\', file);
        fputc(*text, file);
    }
}

static void write_dot_node(FILE *file, const char *class, const char *name, const char *module,
                           const char *words)
{
    fprintf(file, "    \"%s\" [class=\"%s\", label=\"%s\\n%s\", tooltip=\"", name, class, name,
            module);
    write_dot_text(file, words);
    fputs("\"];\n", file);
}

static void write_dot_edge(FILE *file, const char *from, const struct ticket *to)
{
    if (to->device == NULL) return;
    fprintf(file, "    \"%s\" -> \"%s\" [label=\" %s\"];\n", from, to->device->name, to->signature);
}

/* Plain light colours, for whoever draws it alone; `loom describe --svg` adds a style that follows
 * the reader's. */
void write_graph(void)
{
    struct output output;
    output_open(&output, "graph.dot");
    FILE *file = output.file;
    fprintf(
        file,
        "/* graph.dot - the devices of %s on %s. Draw it with: dot -Tsvg graph.dot */\n"
        "digraph \"%s\" {\n"
        "    graph [rankdir=TB, bgcolor=transparent, nodesep=0.35, ranksep=0.55, tooltip=\"%s on "
        "%s\"];\n"
        "    node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef3f8\", color=\"#35618f\",\n"
        "          fontname=\"Helvetica,Arial,sans-serif\", fontsize=11, margin=\"0.18,0.09\"];\n"
        "    edge [color=\"#6b7785\", fontcolor=\"#4a5562\", "
        "fontname=\"Helvetica,Arial,sans-serif\",\n"
        "          fontsize=10, arrowsize=0.7];\n",
        unikernel_name, graph.target->name, unikernel_name, unikernel_name, graph.target->name);
    write_dot_node(file, "application", unikernel_name, graph.entry, "the application");
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        write_dot_node(file, "device", device->name, device->module->name, words_of(device));
    }
    for (size_t i = 0; i < graph.argument_count; i++)
        write_dot_edge(file, unikernel_name, graph.arguments[i]);
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        for (size_t j = 0; j < device->need_count; j++)
            write_dot_edge(file, device->name, device->needs[j]);
    }
    fputs("}\n", file);
    output_close(&output);
}

/* One branch of the tree. What stands above already is only named. */
static void write_branch(FILE *file, const struct ticket *ticket, const char *indent, bool last,
                         bool told[])
{
    const struct device *device = ticket->device;
    fprintf(file, "%s%s %s", indent, last ? "`--" : "|--", ticket_name(ticket));
    if (device == NULL) {
        fputs(": boot parameters of its own\n", file);
        return;
    }
    size_t index = 0;
    while (graph.devices[index] != device)
        index++;
    if (told[index]) {
        fputs(", as above\n", file);
        return;
    }
    told[index] = true;
    fprintf(file, ": %s by %s (%s)\n", ticket->signature, device->module->name, words_of(device));
    indent = text_of("%s%s ", indent, last ? "   " : "|  ");
    for (size_t i = 0; i < device->need_count; i++)
        write_branch(file, device->needs[i], indent, i + 1 == device->need_count, told);
}

void write_words(void)
{
    bool told[GRAPH_DEVICES_MAX] = { false };
    struct output output;
    output_open(&output, "graph.txt");
    fprintf(output.file, "%s on %s, starts in %s\n", unikernel_name, graph.target->name,
            graph.entry);
    for (size_t i = 0; i < graph.argument_count; i++)
        write_branch(output.file, graph.arguments[i], "", i + 1 == graph.argument_count, told);
    fputs("\nkeys:\n", output.file);
    keys_write_help(output.file);
    output_close(&output);
}

static void write_pair(FILE *file, const char *name, const char *value, const char *after)
{
    output_json(file, name);
    fputs(": ", file);
    output_json(file, value);
    fputs(after, file);
}

static void write_tickets(FILE *file, const struct ticket *const tickets[], size_t count)
{
    bool first = true;
    fputc('[', file);
    for (size_t i = 0; i < count; i++) {
        if (tickets[i]->device == NULL) continue;
        fputs(first ? "{ " : ", { ", file);
        write_pair(file, "device", tickets[i]->device->name, ", ");
        write_pair(file, "signature", tickets[i]->signature, " }");
        first = false;
    }
    fputc(']', file);
}

static void write_device_json(FILE *file, const struct device *device)
{
    fputs("    { ", file);
    write_pair(file, "name", device->name, ", ");
    write_pair(file, "module", device->module->name, ", ");
    write_pair(file, "signature", device->module->signature, ", ");
    write_pair(file, "words", words_of(device), ", ");
    /* What is attached is so by what its user calls it, whether or not it has parameters. */
    if (device->module->has_parameters || strcmp(device->module->signature, "net") == 0 ||
        strcmp(device->module->signature, "block") == 0)
        write_pair(file, "prefix", device_prefix(device), ", ");
    fputs("\"needs\": ", file);
    write_tickets(file, device->needs, device->need_count);
    fputs(" }", file);
}

void write_manifest(void)
{
    struct output output;
    output_open(&output, "manifest.json");
    FILE *file = output.file;
    fputs("{\n  ", file);
    write_pair(file, "loom", LOOM_VERSION, ",\n  ");
    write_pair(file, "name", unikernel_name, ",\n  ");
    write_pair(file, "target", graph.target->name, ",\n  ");
    write_pair(file, "entry", graph.entry, ",\n  ");
    fputs("\"keys\": ", file);
    keys_write_json(file);
    fputs(",\n  \"arguments\": ", file);
    write_tickets(file, graph.arguments, graph.argument_count);
    fputs(",\n  \"devices\": [", file);
    for (size_t i = 0; i < graph.device_count; i++) {
        fputs(i == 0 ? "\n" : ",\n", file);
        write_device_json(file, graph.devices[i]);
    }
    fputs("\n  ]\n}\n", file);
    output_close(&output);
}
