/* sources.c - from modules to files: the patterns of each module that the graph reaches, and of
 * what those need.
 *
 * SPDX-License-Identifier: ISC */
#include "config/sources.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <loom/config.h>

#include "config/graph.h"

enum { UNITS_MAX = 1024, SEEN_MAX = 256 };

/* What every image has, whatever is wired. */
static const char *const always[] = { "base", "fiber", "parameter", "image", "log", "metrics" };

/* What a pattern never takes. */
static const char *const never[] = { "*_test.c", "*_suite.c", "*_fuzz.c", "*_bench.c" };

static struct units units;
static const struct module *seen[SEEN_MAX];
static size_t seen_count;

static void add_text(const char ***list, size_t *count, const char *text)
{
    if (list_has(*list, *count, text)) return;
    *list = realloc(*list, (*count + 1) * sizeof **list);
    if (*list == NULL) abort();
    (*list)[(*count)++] = text;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool matches_any(const char *const patterns[], size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (patterns[i] != NULL && fnmatch(patterns[i], base_of(path), 0) == 0) return true;
    }
    return false;
}

/* "/home/me/x/../y/kv.c" makes "obj/y/kv.o" below what `root` names; every ".." becomes "up". */
static const char *object_of(const char *root, const char *path)
{
    char *object = strdup(text_of("obj/%s/%s", root, path));
    if (object == NULL) abort();
    for (char *up = strstr(object, "/../"); up != NULL; up = strstr(up, "/../"))
        up[1] = 'u', up[2] = 'p';
    const char *dot = strrchr(object, '.');
    if (strcmp(dot, ".c") != 0) return text_of("%s.o", object); /* may stand beside a .c */
    return text_of("%.*s.o", (int)(dot - object), object);
}

static void add_unit(const char *root, const char *folder, const char *source, const char *label,
                     const struct module *module, enum unit_use use)
{
    for (size_t i = 0; i < units.count; i++) {
        if (strcmp(units.units[i].source, source) == 0) return;
    }
    if (units.count == UNITS_MAX) abort();
    const char *relative = source;
    size_t length = strlen(folder);
    if (strncmp(source, folder, length) == 0 && source[length] == '/') {
        relative = source + length + 1;
    }
    units.units[units.count++] = (struct unit){ .source = source,
                                                .object = object_of(root, relative),
                                                .label = label,
                                                .module = module,
                                                .use = use,
                                                .is_house = strcmp(root, "house") == 0 };
}

static void add_folder_of(const char *pattern)
{
    const char *slash = strrchr(pattern, '/');
    add_text(&units.folders, &units.folder_count, text_of("%.*s", (int)(slash - pattern), pattern));
}

struct addition {
    const char *root, *folder, *label;
    const struct module *module;
    enum unit_use use;
    bool with_tests; /* a pattern takes tests and suites as well */
    const char *const *without;
    size_t without_count;
};

/* Adds the files of one pattern; false if there is none. */
static bool add_pattern(const struct addition *addition, const char *pattern)
{
    const char *path = pattern[0] == '/' ? pattern : text_of("%s/%s", addition->folder, pattern);
    glob_t found;
    bool any = false;

    add_folder_of(path);
    if (glob(path, 0, NULL, &found) != 0) return false;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *source = found.gl_pathv[i];
        any = true;
        if (matches_any(addition->without, addition->without_count, source)) continue;
        if (!addition->with_tests && matches_any(never, 4, source)) continue;
        add_unit(addition->root, addition->folder, source, addition->label, addition->module,
                 addition->use);
    }
    return any;
}

static bool folder_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void add_module(struct place place, const struct module *module);

/* A need is a module that a device of this graph has, one that the house describes, or simply the
 * folder lib/NAME. */
static void add_need(struct place place, const char *name)
{
    const struct module *described = house_module(name);
    const char *folder = text_of("%s/lib/%s", graph.house, name);
    for (size_t i = 0; described == NULL && i < graph.device_count; i++) {
        if (strcmp(graph.devices[i]->module->name, name) == 0) described = graph.devices[i]->module;
    }
    if (described != NULL) {
        add_module(place, described);
        return;
    }
    if (!folder_exists(folder)) {
        place_error(place, "there is no module %s; the modules are the folders of %s/lib", name,
                    graph.house);
    }
    const struct addition addition = { .root = "house", .folder = graph.house, .label = name };
    add_pattern(&addition, text_of("lib/%s/*.c", name));
    add_pattern(&addition, text_of("lib/%s/*.S", name));
}

static void add_module(struct place place, const struct module *module)
{
    bool house = module->home == MODULE_OF_HOUSE;
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i] == module) return;
    }
    if (seen_count == SEEN_MAX) place_error(place, "there are too many modules");
    seen[seen_count++] = module;

    const struct addition addition = {
        .root = house ? "house" : "app",
        .folder = house ? graph.house : graph.application,
        .label = module->name,
        .module = module,
        .without = module->without,
        .without_count = MODULE_LIST_MAX,
    };
    bool any = false;
    for (size_t i = 0; i < MODULE_LIST_MAX && module->sources[i] != NULL; i++) {
        bool found = add_pattern(&addition, module->sources[i]);
        if (!found && !house) {
            place_error(
                place,
                "module %s: there is no %s/%s; .sources are named from the application's folder",
                module->name, addition.folder, module->sources[i]);
        }
        any = any || found;
    }
    if (!any && module->sources[0] != NULL) {
        place_error(place, "module %s: its sources are missing from %s; install Loom again",
                    module->name, graph.house);
    }
    for (size_t i = 0; i < MODULE_LIST_MAX && module->needs[i] != NULL; i++)
        add_need(place, module->needs[i]);
    for (size_t i = 0; i < MODULE_LIST_MAX && module->libraries[i] != NULL; i++)
        add_text(&units.libraries, &units.library_count, module->libraries[i]);
}

static void add_target(void)
{
    const char *without[2 * TARGET_SOURCES_MAX];
    const struct addition addition = {
        .root = "house",
        .folder = graph.house,
        .label = text_of("target/%s", graph.target->name),
        .without = without,
        .without_count = graph.boots_by_pvh ? TARGET_SOURCES_MAX : sizeof without / sizeof *without,
    };
    memcpy(without, graph.target->without, sizeof graph.target->without);
    memcpy(without + TARGET_SOURCES_MAX, graph.target->of_pvh, sizeof graph.target->of_pvh);
    for (size_t i = 0; i < TARGET_SOURCES_MAX && graph.target->sources[i] != NULL; i++)
        add_pattern(&addition, graph.target->sources[i]);
}

/* Last, so that a file which a module claimed is not taken for the application's own. */
static void add_application(void)
{
    static const char *const without[] = { "config.c" };
    const struct addition addition = { .root = "app",
                                       .folder = graph.application,
                                       .label = unikernel_name,
                                       .use = UNIT_APPLICATION,
                                       .without = without,
                                       .without_count = 1 };
    add_pattern(&addition, "*.c");
    for (size_t i = 0; i < graph.pattern_count; i++) {
        if (add_pattern(&addition, graph.patterns[i])) continue;
        place_error(graph.pattern_places[i], "there is no %s/%s; name sources from there",
                    graph.application, graph.patterns[i]);
    }
}

/* What the tests take from the house, where they need it. */
static const struct addition *in_tests(bool with_tests)
{
    static struct addition addition;
    addition = (struct addition){ .root = "house",
                                  .folder = graph.house,
                                  .label = "test",
                                  .use = UNIT_TEST,
                                  .with_tests = with_tests };
    return &addition;
}

/* A test may use what else is in the folders of Loom that the image looked into: there are the
 * doubles, which some hold nothing but. */
static void add_doubles(void)
{
    const char *lib = text_of("%s/lib/", graph.house);
    for (size_t i = 0, count = units.folder_count; i < count; i++) {
        const char *folder = units.folders[i];
        if (strncmp(folder, lib, strlen(lib)) != 0) continue;
        add_pattern(in_tests(false), text_of("%s/*.c", folder));
    }
}

/* And the suites of the signatures that its own modules implement. */
static void add_suites(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct module *module = graph.devices[i]->module;
        if (module->home != MODULE_OF_APPLICATION) continue;
        add_pattern(in_tests(false), text_of("lib/%s/*.c", module->signature));
        add_pattern(in_tests(true), text_of("lib/%s/*_suite.c", module->signature));
    }
}

/* Worlds of simulated nodes are tested where they are, and nothing else there: other tests may need
 * what only a process has. */
static void add_tests(void)
{
    static const char *const worlds[] = { "*_world_test.c" };
    bool simulates = graph.target->runner != NULL;
    const struct addition harness = { .root = "house",
                                      .folder = graph.house,
                                      .label = "test",
                                      .use = UNIT_HARNESS,
                                      .with_tests = true };
    const struct addition tests = { .root = "app",
                                    .folder = graph.application,
                                    .label = "test",
                                    .use = UNIT_HARNESS,
                                    .with_tests = true,
                                    .without = worlds,
                                    .without_count = simulates ? 0 : 1 };
    add_doubles();
    add_suites();
    add_pattern(&harness, "lib/test/*.c");
    add_pattern(&tests, simulates ? worlds[0] : "*_test.c");
}

/* The program that runs the image, with what it uses of the house: taken where it is needed. */
static void add_runner(void)
{
    static const char *const parts[] = {
        "net",          "packet",   "ip",          "flow",     "tcp",      "udp",      "icmp",
        "arp",          "ethernet", "ipv4",        "stack",    "udp_core", "tcp_core", "stack_core",
        "stack_direct", "http",     "http_client", "resolver", "kv"
    };
    static const char *const without[] = { "main.c" };
    const struct addition host = { .root = "house",
                                   .folder = graph.house,
                                   .label = "runner",
                                   .use = UNIT_HOST,
                                   .without = without,
                                   .without_count = 1 };
    const struct addition runner = {
        .root = "house", .folder = graph.house, .label = "runner", .use = UNIT_RUNNER
    };
    if (graph.target->runner == NULL) return;
    for (size_t i = 0; i < TARGET_SOURCES_MAX && graph.target->runner_sources[i] != NULL; i++)
        add_pattern(&host, graph.target->runner_sources[i]);
    add_pattern(&runner, text_of("%s/*.c", graph.target->runner));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add_pattern(in_tests(false), text_of("lib/%s/*.c", parts[i]));
}

struct units units_collect(void)
{
    units.units = calloc(UNITS_MAX, sizeof *units.units);
    if (units.units == NULL) abort();
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        add_need(graph.started, always[i]);
    add_target();
    for (size_t i = 0; i < graph.device_count; i++)
        add_module(graph.devices[i]->place, graph.devices[i]->module);
    for (size_t i = 0; i < graph.use_count; i++)
        add_need(graph.use_places[i], graph.uses[i]);
    add_application();
    if (!graph.target->is_machine) add_tests(); /* which are programs of the host */
    add_runner();
    return units;
}
