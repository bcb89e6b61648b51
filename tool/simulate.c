/* simulate.c - `loom run -t sim`: what the simulator's program is given.
 *
 * SPDX-License-Identifier: ISC */
#include "simulate.h"

#include <stdlib.h>
#include <string.h>

#include <loom/module.h>

#include "build.h"
#include "fail.h"
#include "process.h"

enum { NODES_MAX = 16 };

static unsigned long long number_of(const char *option, const char *text, unsigned long long least,
                                    unsigned long long most)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < least || number > most)
        fail_usage("--%s %s: write a number from %llu to %llu", option, text, least, most);
    return number;
}

/* "10s" in nanoseconds, as the image's own parameters are written. */
static unsigned long long duration_of(const char *text)
{
    static const struct {
        const char *unit;
        unsigned long long ns;
    } units[] = { { "ns", 1 },
                  { "us", 1000 },
                  { "ms", 1000000 },
                  { "s", 1000000000ull },
                  { "m", 60000000000ull },
                  { "h", 3600000000000ull } };
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units && end != text; i++) {
        if (strcmp(end, units[i].unit) == 0 && number > 0 &&
            number <= 1000000000000000000ull / units[i].ns)
            return number * units[i].ns;
    }
    fail_usage("--for %s: write a duration, such as 500ms, 10s, 5m or 2h", text);
}

static const char *value_or(const struct options *options, int letter, const char *fallback)
{
    return options->values[letter] != NULL ? options->values[letter] : fallback;
}

void simulate_refuse(const struct options *options)
{
    static const struct {
        int letter;
        const char *name;
    } own[] = { { SIMULATE_SEED, "seed" },
                { SIMULATE_FOR, "for" },
                { SIMULATE_NODES, "nodes" },
                { SIMULATE_GET, "get" } };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (options->values[own[i].letter] == NULL) continue;
        fail_usage("--%s is for a simulated network; add -t sim", own[i].name);
    }
}

/* Whether the image has a stack of its own, and so needs an address. */
static bool has_network(const struct application *application)
{
    const char *manifest = file_read(application_file(application, "manifest.json"));
    return manifest != NULL && strstr(manifest, "\"stack_direct\"") != NULL;
}

void simulate_add(struct command_line *line, const struct application *application,
                  const struct options *options)
{
    if (options->values['p'] != NULL || options->values['a'] != NULL ||
        options->values['w'] != NULL)
        fail_usage(
            "--publish, --net and --watch are not for a simulated network, which the host does not "
            "reach; run it on unix for that");
    unsigned long long seed = number_of("seed", value_or(options, SIMULATE_SEED, "1"), 0, ~0ull);
    unsigned long long duration_ns = duration_of(value_or(options, SIMULATE_FOR, "10s"));
    unsigned long long nodes = number_of("nodes", value_or(options, SIMULATE_NODES, "1"), 1,
                                         NODES_MAX);
    command_line_add(line, build_or_fail(application, &options->keys, "-run"));
    const char *name = application_name(application);
    command_line_add(line, application_file(application, name), name, text_of("%llu", seed),
                     text_of("%llu", duration_ns), text_of("%llu", nodes),
                     has_network(application) ? "1" : "0", value_or(options, SIMULATE_GET, ""));
    for (int i = 0; i < options->rest_count; i++)
        command_line_add(line, options->rest[i]);
}
