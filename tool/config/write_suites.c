/* write_suites.c - the conformance suites that the application's own modules are tested with.
 *
 * Only who knows a module can make one for a test, so the fixture is the application's; that it is
 * there is checked before anything is compiled, because a missing symbol tells nobody what to do.
 *
 * SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include <loom/config.h>

#include "config/graph.h"
#include "config/output.h"

/* The word for the macro: "kv" makes KV. */
static const char *capitals_of(const char *text)
{
    const char *capitals = "";
    for (; *text != '\0'; text++)
        capitals = text_of("%s%c", capitals, toupper((unsigned char)*text));
    return capitals;
}

static bool file_mentions(const char *path, const char *word)
{
    char line[1024];
    bool found = false;
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strstr(line, word) != NULL;
    fclose(file);
    return found;
}

static bool tests_mention(const char *word)
{
    glob_t found;
    bool mentioned = false;
    if (glob(text_of("%s/*_test.c", graph.application), 0, NULL, &found) != 0) return false;
    for (size_t i = 0; i < found.gl_pathc; i++)
        mentioned = mentioned || file_mentions(found.gl_pathv[i], word);
    globfree(&found);
    return mentioned;
}

static bool suite_exists(const char *signature)
{
    return access(text_of("%s/lib/%s/%s_suite.h", graph.house, signature, signature), R_OK) == 0;
}

static void write_suite(FILE *file, FILE *missing, const struct module *module)
{
    const char *signature = module->signature;
    const char *fixture = module->fixture != NULL ? module->fixture
                                                  : text_of("%s_fixture", module->name);
    if (module->home != MODULE_OF_APPLICATION || !suite_exists(signature)) return;
    if (!tests_mention(fixture)) {
        fprintf(missing,
                "%s implements %s, so it is tested with the suite of that; define `struct "
                "%s_fixture %s` in %s_test.c, as lib/%s/%s_suite.h tells\n",
                module->name, signature, signature, fixture, module->name, signature, signature);
        return;
    }
    fprintf(file, "\n#include \"%s/%s_suite.h\"\nextern struct %s_fixture %s;\n%s_SUITE(%s, &%s)\n",
            signature, signature, signature, fixture, capitals_of(signature), module->name,
            fixture);
}

static bool module_is_new(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (graph.devices[i]->module == graph.devices[index]->module) return false;
    }
    return true;
}

void write_suites(void)
{
    struct output suites, missing;
    output_open(&suites, "suites.c");
    output_open(&missing, "fixtures.txt");
    fputs("/* suites.c - the conformance suite of each signature that the application's own "
          "modules implement. */\n"
          "#include \"test/test.h\"\n",
          suites.file);
    for (size_t i = 0; i < graph.device_count && graph.target->runner == NULL; i++) {
        if (module_is_new(i)) write_suite(suites.file, missing.file, graph.devices[i]->module);
    }
    output_close(&suites);
    output_close(&missing);
}
