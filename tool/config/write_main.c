/* write_main.c - main.c: the wiring, as a person would have written it.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"
#include "config/output.h"

static bool has_parameters(const struct device *device)
{
    return device->module->has_parameters;
}

static size_t group_count(void)
{
    size_t count = graph.parameters != NULL ? 1 : 0;
    for (size_t i = 0; i < graph.device_count; i++)
        count += has_parameters(graph.devices[i]);
    return count;
}

/* Whether a header that config.c includes is about configuration, so that main.c must not see it.
 */
static bool header_configures(const char *path)
{
    char line[512];
    bool configures = false;
    FILE *file = fopen(text_of("%s/%s", graph.application, path), "r");
    if (file == NULL) return false;
    while (!configures && fgets(line, sizeof line, file) != NULL)
        configures = strstr(line, "#include <loom/") != NULL;
    fclose(file);
    return configures;
}

/* main.c includes what config.c includes in quotes: there the entry is declared. */
static void write_own_headers(FILE *file)
{
    char line[512], path[512];
    FILE *config = fopen(text_of("%s/config.c", graph.application), "r");
    if (config == NULL) return;
    while (fgets(line, sizeof line, config) != NULL) {
        if (sscanf(line, " # include \"%500[^\"]\"", path) == 1 && !header_configures(path)) {
            fprintf(file, "#include \"%s\"\n", path);
        }
    }
    fclose(config);
}

static void write_headers(FILE *file)
{
    const char *written[GRAPH_DEVICES_MAX];
    size_t count = 0;
    fputs("#include \"base/units.h\"\n#include \"base/view.h\"\n#include \"image/image.h\"\n",
          file);
    for (size_t i = 0; i < graph.device_count; i++) {
        const char *header = graph.devices[i]->module->header;
        if (list_has(written, count, header)) continue;
        written[count++] = header;
        fprintf(file, "#include \"%s\"\n", header);
    }
    write_own_headers(file);
}

static void write_devices(FILE *file)
{
    if (graph.device_count > 0) fputc('\n', file);
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        fprintf(file, "static struct %s %s;\n", device->module->name, device->name);
    }
}

static void write_declarations(FILE *file)
{
    bool first = true;
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        if (device->declaration == NULL) continue;
        fprintf(file, "%s%s\n", first ? "\n" : "", device_text(device, device->declaration));
        first = false;
    }
}

/* The table of a device's parameters: its module's, or one of its own. */
static const char *table_of(const struct device *device)
{
    if (device->parameters != NULL) return text_of("%s_table", device->name);
    return text_of("%s_parameters", device->module->name);
}

static void write_tables(FILE *file)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        if (device->parameters == NULL) continue;
        fprintf(file, "\nstatic const struct parameter %s[] = {\n    %s\n    PARAMETER_END,\n};\n",
                table_of(device), device_text(device, device->parameters));
    }
}

static void write_values(FILE *file)
{
    if (group_count() > 0) fputc('\n', file);
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        if (!has_parameters(device)) continue;
        fprintf(file, "static struct %s_parameters %s_parameters;\n", device->module->name,
                device->name);
    }
    if (graph.parameters != NULL) {
        fprintf(file, "static struct %s_parameters %s0_parameters;\n", graph.parameters,
                graph.parameters);
    }
}

static void write_group(FILE *file, const char *device, const char *prefix, const char *table,
                        const char *values)
{
    fprintf(file,
            "    { .device = \"%s\",\n      .prefix = \"%s\",\n      .table = %s,\n"
            "      .values = { (uint8_t *)&%s_parameters, sizeof %s_parameters } },\n",
            device, prefix, table, values, values);
}

static void write_groups(FILE *file)
{
    if (group_count() == 0) return;
    fputs("\nstatic const struct parameter_group groups[] = {\n", file);
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        if (!has_parameters(device)) continue;
        write_group(file, device->name, device_prefix(device), table_of(device), device->name);
    }
    if (graph.parameters != NULL) {
        write_group(file, unikernel_name, "", text_of("%s_parameters", graph.parameters),
                    text_of("%s0", graph.parameters));
    }
    fputs("};\n", file);
}

static void write_image(FILE *file)
{
    if (group_count() == 0) {
        fprintf(file, "\nconst struct image image = { .name = \"%s\" };\n", unikernel_name);
        return;
    }
    fprintf(file,
            "\nconst struct image image = {\n    .name = \"%s\",\n    .parameters = groups,\n"
            "    .parameter_count = LENGTH_OF(groups),\n};\n",
            unikernel_name);
}

static void write_open(FILE *file, const struct device *device)
{
    fprintf(file, "    if ((result = %s_open(&%s", device->module->name, device->name);
    for (size_t i = 0; i < device->need_count; i++)
        fprintf(file, ", %s", ticket_expression(device->needs[i]));
    for (size_t i = 0; i < device->constant_count; i++)
        fprintf(file, ", %s", device_text(device, device->constants[i]));
    if (has_parameters(device)) fprintf(file, ", &%s_parameters", device->name);
    fprintf(file,
            ")) != OK) {\n        result = image_failed(\"%s\", result);\n        goto "
            "%s_failed;\n    }\n",
            device->name, device->name);
}

static void write_start(FILE *file)
{
    fprintf(file, "    result = %s(", graph.entry);
    for (size_t i = 0; i < graph.argument_count; i++)
        fprintf(file, "%s%s", i == 0 ? "" : ", ", ticket_expression(graph.arguments[i]));
    fputs(");\n", file);
}

static void write_image_start(FILE *file)
{
    fputs("\nenum result image_start(void)\n{\n    enum result result;\n\n", file);
    for (size_t i = 0; i < graph.device_count; i++)
        write_open(file, graph.devices[i]);
    if (graph.device_count > 0) fputc('\n', file);
    write_start(file);
    if (graph.device_count > 0) fputc('\n', file);
    for (size_t i = graph.device_count; i-- > 0;) {
        const struct device *device = graph.devices[i];
        fprintf(file, "    %s_close(&%s);\n%s_failed:\n", device->module->name, device->name,
                device->name);
    }
    fputs("    return result;\n}\n", file);
}

void write_main(void)
{
    struct output output;
    output_open(&output, "main.c");
    FILE *file = output.file;
    fprintf(file,
            "/* main.c - %s on %s, as `loom configure` wove it from %s.\n"
            " *\n * Do not edit: change config.c, and this file is written again. */\n",
            unikernel_name, graph.target->name, graph.config);
    write_headers(file);
    write_devices(file);
    write_declarations(file);
    write_values(file);
    write_tables(file);
    write_groups(file);
    write_image(file);
    write_image_start(file);
    output_close(&output);
}
