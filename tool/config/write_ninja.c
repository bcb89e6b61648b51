/* write_ninja.c - build.ninja: how the image, and the program of its tests, are made from the
 * sources.
 *
 * An image that tells about itself (kv_self) is linked twice: the first time with nothing to tell,
 * so that it can be measured; then with graph, sizes and manifest crunched into it. So the sizes it
 * tells are its own without those pages.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include <loom/config.h>

#include "config/flags.h"
#include "config/graph.h"
#include "config/output.h"
#include "config/sources.h"

static void write_word_list(FILE *file, const char *const words[])
{
    for (size_t i = 0; words[i] != NULL; i++) {
        fputc(' ', file);
        output_ninja_word(file, words[i]);
    }
}

static void write_variable(FILE *file, const char *name, const char *word)
{
    fprintf(file, "%s = ", name);
    output_ninja_word(file, word);
    fputc('\n', file);
}

static void write_include(FILE *file, const char *flag, const char *path)
{
    fputc(' ', file);
    output_ninja_word(file, text_of("%s%s", flag, path));
}

/* Nothing of the application is in the commands for the house's own files: they are the same in
 * every application, so that a cache of the compiler's can tell, and the house cannot include what
 * stands in one. */
static void write_compile_flags(FILE *file)
{
    fputs("compile_flags =", file);
    write_word_list(file, flags_compile());
    write_include(file, "-I", graph.house);
    write_include(file, "-I", text_of("%s/lib", graph.house));
    write_include(file, "-fmacro-prefix-map=", text_of("%s/=", graph.house));
    fputs("\napplication_flags =", file);
    write_include(file, "-I", graph.application);
    write_include(file, "-fmacro-prefix-map=", text_of("%s/=", graph.application));
    fputs("\nconfig_flags = -std=gnu17 -Wall -Wextra", file);
    write_include(file, "-I", graph.house);
    write_include(file, "-I", text_of("%s/lib", graph.house));
    write_include(file, "-I", text_of("%s/tool", graph.house));
    fputc('\n', file);
}

static void write_link_flags(FILE *file, const struct units *units)
{
    fputs("link_flags =", file);
    write_word_list(file, flags_link());
    fputs("\nlibraries =", file);
    for (size_t i = 0; i < units->library_count; i++) {
        fputc(' ', file);
        output_ninja_word(file, units->libraries[i]);
    }
    fprintf(file, " %s\nprogram_flags =", graph.target->libraries);
    write_word_list(file, flags_link_program());
    fputc('\n', file);
}

static const char *beside_the_command(const char *name)
{
    return text_of("%.*s/%s", (int)(strrchr(graph.loom, '/') - graph.loom), graph.loom, name);
}

static const char *crunch_path(void)
{
    return beside_the_command("loom-crunch");
}

static void write_rules(FILE *file)
{
    write_variable(file, "loom", graph.loom);
    write_variable(file, "crunch", crunch_path());
    fputs("\nrule compile\n"
          "  command = $cc $compile_flags $application_flags $unsanitized -MMD -MF $out.d -c $in "
          "-o $out\n"
          "  depfile = $out.d\n  deps = gcc\n  description = $in\n"
          "\nrule compile_house\n"
          "  command = $cc $compile_flags $unsanitized -MMD -MF $out.d -c $in -o $out\n"
          "  depfile = $out.d\n  deps = gcc\n  description = $in\n"
          "\nrule link\n"
          "  command = $cc $link_flags -Wl,-Map=$out.map -o $out $in $libraries\n"
          "  description = $out\n"
          "\nrule archive\n"
          "  command = rm -f $out && ar qcs $out $in\n"
          "  description = $out\n"
          "\nrule crunch\n"
          "  command = $crunch $name $folder $out $out.d\n"
          "  depfile = $out.d\n  deps = gcc\n  restat = 1\n  description = crunch $folder\n"
          "\nrule self\n"
          "  command = $loom self .\n  restat = 1\n  description = measure the image\n"
          "\nrule configure\n"
          "  command = $cc $config_flags -c $in -o $out\n\n",
          file);
}

static void write_unit(FILE *file, const struct unit *unit)
{
    fputs("build ", file);
    output_ninja_path(file, unit->object);
    fputs(unit->is_house ? ": compile_house " : ": compile ", file);
    output_ninja_path(file, unit->source);
    fputc('\n', file);
    if (unit->module != NULL && unit->module->unsanitized != NULL) {
        fprintf(file, "  # %s\n  unsanitized = -fno-sanitize=%s\n",
                unit->module->unsanitized_reason, unit->module->unsanitized);
    }
}

/* Better said here than by ninja, which does not know what makes it. */
static void check_crunch(const struct device *device)
{
    if (access(crunch_path(), X_OK) == 0) return;
    place_error(device->place,
                "%s needs loom-crunch, which is not beside %s; build it in Loom's tree: make tool",
                device->name, graph.loom);
}

/* An image that others than our tender can start holds the monitor that they lead to. */
static void write_monitor(FILE *file)
{
    const char *monitor = beside_the_command("loom-monitor");
    if (!graph.boots_by_pvh) return;
    if (access(monitor, R_OK) != 0) {
        place_error(graph.started,
                    "--boot=pvh needs loom-monitor, which is not beside %s; build it in Loom's "
                    "tree: make tool",
                    graph.loom);
    }
    fputs("build obj/monitor.o: compile_house ", file);
    output_ninja_path(file, text_of("%s/target/monitor/woven.S", graph.house));
    fputs(" | ", file);
    output_ninja_path(file, monitor);
    fputs("\n  unsanitized = ", file);
    output_ninja_word(file, text_of("-DLOOM_MONITOR=\"%s\"", monitor));
    fputc('\n', file);
}

static void write_crunched(FILE *file, const char *name, const char *folder, const char *after)
{
    fprintf(file, "build %s.c: crunch | %s ", name, after);
    output_ninja_path(file, crunch_path());
    fprintf(file, "\n  name = %s\n  folder = ", name);
    output_ninja_word(file, folder);
    fprintf(file, "\nbuild obj/%s.o: compile %s.c\n", name, name);
}

static void write_pages(FILE *file)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        const char *name = text_of("%s_pages", device->name);
        if (device->crunched != NULL || device->self) check_crunch(device);
        if (device->crunched != NULL) write_crunched(file, name, device->crunched, "");
        if (!device->self) continue;
        write_crunched(file, name, "self", "self/size.json");
        fprintf(file, "build obj/%s_empty.o: compile %s_empty.c\n", name, name);
    }
}

static void write_units(FILE *file, const struct units *units, enum unit_use use)
{
    for (size_t i = 0; i < units->count; i++) {
        if (units->units[i].use != use) continue;
        fputc(' ', file);
        output_ninja_path(file, units->units[i].object);
    }
}

/* The pages of the devices, without those about the image itself. */
static void write_page_objects(FILE *file)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        if (device->crunched != NULL) fprintf(file, " obj/%s_pages.o", device->name);
    }
}

static void write_image_objects(FILE *file, const struct units *units)
{
    fputs(" obj/main.o obj/note.o", file);
    if (graph.boots_by_pvh) fputs(" obj/monitor.o", file);
    write_units(file, units, UNIT_APPLICATION);
    write_page_objects(file);
    write_units(file, units, UNIT_HOUSE);
}

static const struct device *device_of_self(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        if (graph.devices[i]->self) return graph.devices[i];
    }
    return NULL;
}

/* Of the house, a test program takes what it needs and no more: it has no devices, and a main of
 * its own. The stores of keys digest with BearSSL, and a test may use one where the image does
 * not. */
static void write_test(FILE *file, const struct units *units, const struct device *self)
{
    fputs("\nbuild obj/house.a: archive", file);
    write_units(file, units, UNIT_HOUSE);
    write_units(file, units, UNIT_TEST);
    fprintf(file, "\nbuild %s-test: link", unikernel_name);
    write_units(file, units, UNIT_HARNESS);
    write_units(file, units, UNIT_APPLICATION);
    fputs(" obj/suites.o", file);
    write_units(file, units, UNIT_HOST);
    write_page_objects(file);
    if (self != NULL) fprintf(file, " obj/%s_pages_empty.o", self->name);
    fprintf(file,
            " obj/house.a%s%s\n  link_flags = $program_flags\n"
            "  libraries = $libraries -l:libbearssl.a\n",
            graph.target->runner != NULL ? " | " : "",
            graph.target->runner != NULL ? unikernel_name : "");
}

/* The program that runs an image which is none itself. */
static void write_runner(FILE *file, const struct units *units)
{
    if (graph.target->runner == NULL) return;
    fprintf(file, "\nbuild %s-run: link", unikernel_name);
    write_units(file, units, UNIT_RUNNER);
    write_units(file, units, UNIT_HOST);
    fprintf(file,
            " obj/house.a | %s\n  link_flags = $program_flags\n"
            "  libraries = $libraries -l:libbearssl.a\n",
            unikernel_name);
}

static void write_programs(FILE *file, const struct units *units)
{
    const struct device *self = device_of_self();
    if (self != NULL) {
        fprintf(file, "\nbuild %s.measured: link", unikernel_name);
        write_image_objects(file, units);
        fprintf(file, " obj/%s_pages_empty.o\n", self->name);
        fprintf(file,
                "build self/size.json: self %s.measured | objects.txt manifest.json graph.dot ",
                unikernel_name);
        output_ninja_path(file, graph.loom);
        fputc('\n', file);
    }
    fprintf(file, "\nbuild %s: link", unikernel_name);
    write_image_objects(file, units);
    if (self != NULL) fprintf(file, " obj/%s_pages.o", self->name);
    fputc('\n', file);
    if (graph.target->is_machine) return;
    write_test(file, units, self);
    write_runner(file, units);
}

static void write_config(FILE *file)
{
    fputs("build obj/config.o: configure ", file);
    output_ninja_path(file, text_of("%s/config.c", graph.application));
    fprintf(file, "\n\ndefault %s\n", unikernel_name);
}

/* What the first of two links has in place of the pages about itself. */
static void write_empty_pages(void)
{
    const struct device *self = device_of_self();
    if (self == NULL) return;
    struct output output;
    output_open(&output, text_of("%s_pages_empty.c", self->name));
    fprintf(output.file,
            "/* %s_pages_empty.c - nothing to tell yet: the image is linked with this to be "
            "measured. */\n"
            "#include \"kv/kv_crunch.h\"\n\nextern const struct kv_crunch_pages %s_pages;\n"
            "const struct kv_crunch_pages %s_pages = { .pages = NULL, .count = 0 };\n",
            self->name, self->name, self->name);
    output_close(&output);
}

/* Which module each object belongs to, for `loom size`. */
static void write_object_list(const struct units *units)
{
    struct output output;
    output_open(&output, "objects.txt");
    for (size_t i = 0; i < units->count; i++)
        fprintf(output.file, "%s\t%s\n", units->units[i].object, units->units[i].label);
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        if (device->crunched == NULL && !device->self) continue;
        fprintf(output.file, "obj/%s_pages.o\t%s (pages)\n", device->name, device->name);
    }
    fputs("obj/main.o\twiring\nobj/note.o\twiring\n", output.file);
    if (graph.boots_by_pvh) fputs("obj/monitor.o\tmonitor\n", output.file);
    output_close(&output);
}

/* What `loom` looks at to know whether to configure again, and what `loom run --watch` watches. */
static void write_folder_list(const struct units *units)
{
    struct output output;
    output_open(&output, "folders.txt");
    for (size_t i = 0; i < units->folder_count; i++)
        fprintf(output.file, "%s\n", units->folders[i]);
    output_close(&output);
}

/* What there is to test: without any, `loom test` says so. */
static void write_test_list(const struct units *units)
{
    const char *harness = text_of("%s/lib/test/", graph.house);
    struct output output;
    output_open(&output, "tests.txt");
    for (size_t i = 0; i < units->count; i++) {
        const struct unit *unit = &units->units[i];
        if (unit->use != UNIT_HARNESS || strncmp(unit->source, harness, strlen(harness)) == 0)
            continue;
        fprintf(output.file, "%s\n", unit->source);
    }
    output_close(&output);
}

static void write_name(void)
{
    struct output output;
    output_open(&output, "name.txt");
    fprintf(output.file, "%s\n", unikernel_name);
    output_close(&output);
}

static void write_page_folder_list(void)
{
    struct output output;
    output_open(&output, "pages.txt");
    for (size_t i = 0; i < graph.device_count; i++) {
        if (graph.devices[i]->crunched != NULL)
            fprintf(output.file, "%s\n", graph.devices[i]->crunched);
    }
    output_close(&output);
}

static void write_note(void)
{
    struct output output;
    output_open(&output, "note.S");
    fputs("/* note.S - the manifest, as an ELF note of owner \"Loom\". */\n"
          "    .section .note.loom, \"a\", @note\n    .balign 4\n"
          "    .long 5\n    .long 2f - 1f\n    .long 1\n    .asciz \"Loom\"\n    .balign 4\n"
          "1:  .incbin \"manifest.json\"\n2:  .balign 4\n"
          "    .section .note.GNU-stack, \"\", @progbits\n",
          output.file);
    output_close(&output);
}

void write_ninja(void)
{
    struct units units = units_collect();
    struct output output;
    output_open(&output, "build.ninja");
    FILE *file = output.file;

    fprintf(file, "# build.ninja - written by `loom configure` for %s on %s; do not edit.\n",
            unikernel_name, graph.target->name);
    fputs("ninja_required_version = 1.10\n", file);
    write_variable(file, "cc", graph.compiler);
    write_compile_flags(file);
    write_link_flags(file, &units);
    write_rules(file);
    for (size_t i = 0; i < units.count; i++)
        write_unit(file, &units.units[i]);
    fputs("build obj/main.o: compile main.c\nbuild obj/suites.o: compile suites.c\nbuild "
          "obj/note.o: compile note.S | manifest.json\n",
          file);
    write_monitor(file);
    write_pages(file);
    write_programs(file, &units);
    write_config(file);
    output_close(&output);

    write_empty_pages();
    write_object_list(&units);
    write_folder_list(&units);
    write_page_folder_list();
    write_test_list(&units);
    write_name();
    write_note();
}
