/* keys.c - the keys that were asked for, and those that were given.
 *
 * SPDX-License-Identifier: ISC */
#include "config/keys.h"

#include <stdlib.h>
#include <string.h>

#include "config/graph.h"
#include "config/output.h"

enum { KEYS_MAX = 64 };

struct key {
    const char *name, *choices, *value, *help;
};

static struct {
    struct key asked[KEYS_MAX];
    size_t asked_count;
    char *const *given;
    int given_count;
} keys;

void keys_give(char *const arguments[], int count)
{
    keys.given = arguments;
    keys.given_count = count;
}

__attribute__((noreturn)) static void key_error(const char *message)
{
    fprintf(stderr, "%s: error: %s\n", graph.config, message);
    exit(2);
}

/* The value if `argument` is "--name=value". */
static const char *value_of(const char *argument, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0) return NULL;
    return argument[2 + length] == '=' ? argument + 2 + length + 1 : NULL;
}

static const char *given_value(const char *name)
{
    const char *value = NULL;
    for (int i = 0; i < keys.given_count; i++) {
        const char *found = value_of(keys.given[i], name);
        if (found != NULL) value = found;
    }
    return value;
}

static bool choice_is_one_of(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *choice = choices; choice != NULL; choice = strchr(choice, '|')) {
        if (*choice == '|') choice++;
        if (strncmp(choice, value, length) == 0 &&
            (choice[length] == '|' || choice[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static const struct key *key_find(const char *name)
{
    for (size_t i = 0; i < keys.asked_count; i++) {
        if (strcmp(keys.asked[i].name, name) == 0) return &keys.asked[i];
    }
    return NULL;
}

static const char *key_add(const char *name, const char *choices, const char *value,
                           const char *help)
{
    if (keys.asked_count == KEYS_MAX) key_error("there are too many keys");
    keys.asked[keys.asked_count++] = (struct key){
        .name = name, .choices = choices, .value = value, .help = help
    };
    return value;
}

const char *key_choice(const char *name, const char *choices, const char *help)
{
    const struct key *known = key_find(name);
    if (known != NULL) return known->value;

    const char *value = given_value(name);
    if (value == NULL) {
        value = strndup(choices, strcspn(choices, "|"));
    } else if (!choice_is_one_of(choices, value)) {
        key_error(text_of("--%s=%s: choose --%s=%s (%s)", name, value, name, choices, help));
    }
    return key_add(name, choices, value, help);
}

bool key_is(const char *name, const char *choices, const char *help, const char *choice)
{
    return strcmp(key_choice(name, choices, help), choice) == 0;
}

const char *key_text(const char *name, const char *fallback, const char *help)
{
    const struct key *known = key_find(name);
    if (known != NULL) return known->value;

    const char *value = given_value(name);
    return key_add(name, "TEXT", value != NULL ? value : fallback, help);
}

static const char *keys_line(void)
{
    const char *line = "";
    for (size_t i = 0; i < keys.asked_count; i++) {
        line = text_of("%s%s--%s=%s", line, i == 0 ? "" : ", ", keys.asked[i].name,
                       keys.asked[i].choices);
    }
    return line;
}

void keys_check(void)
{
    for (int i = 0; i < keys.given_count; i++) {
        bool known = false;
        for (size_t j = 0; j < keys.asked_count; j++)
            known = known || value_of(keys.given[i], keys.asked[j].name) != NULL;
        if (!known) {
            key_error(
                text_of("%s: this image has no such key; it has %s. Boot parameters stand behind "
                        "`--`, and `loom configure` without a key forgets one that is remembered",
                        keys.given[i], keys_line()));
        }
    }
}

void keys_write_json(FILE *file)
{
    fputs("{", file);
    for (size_t i = 0; i < keys.asked_count; i++) {
        fputs(i == 0 ? " " : ", ", file);
        output_json(file, keys.asked[i].name);
        fputs(": ", file);
        output_json(file, keys.asked[i].value);
    }
    fputs(" }", file);
}

void keys_write_help(FILE *file)
{
    for (size_t i = 0; i < keys.asked_count; i++) {
        const struct key *key = &keys.asked[i];
        const char *shape = text_of("--%s=%s", key->name, key->choices);
        fprintf(file, "  %-28s %s (now %s)\n", shape, key->help, key->value);
    }
}
