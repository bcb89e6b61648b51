/* options.c - the command line that most commands share.
 *
 * SPDX-License-Identifier: ISC */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <loom/module.h>

#include "fail.h"

enum { OPTIONS_MAX = 24 };

static const struct argp_option shared[] = {
    { "target", 't', "TARGET", 0, "what the image runs on (default: unix); see `loom targets`", 0 },
    { 0 },
};

static bool list_names(const struct argp_option *list, const char *word, size_t length)
{
    for (const struct argp_option *option = list; option != NULL && option->name != NULL;
         option++) {
        if (strlen(option->name) == length && strncmp(option->name, word, length) == 0) return true;
    }
    return false;
}

static bool is_key(const struct options *options, const char *word)
{
    size_t length = strcspn(word, "=");
    if (strncmp(word, "--", 2) != 0 || word[length] != '=') return false;
    return !list_names(shared, word + 2, length - 2) &&
           !list_names(options->own, word + 2, length - 2) && strncmp(word, "--help", length) != 0;
}

/* argp would say that there are too many arguments, and not which. */
static void refuse_argument(const struct options *options, const char *argument)
{
    if (options->arguments == NULL)
        fail_usage("%s: \"%s\": it takes none", options->name, argument);
    fail_usage("%s: \"%s\" is one argument too many: it takes %s%s", options->name, argument,
               options->arguments, options->takes_rest ? "" : " only");
}

/* A list grows; of anything else the last counts. */
static const char *option_value(const struct options *options, int key, const char *value)
{
    const char *earlier = options->values[key];
    bool is_list = options->lists != NULL && strchr(options->lists, key) != NULL;
    if (value == NULL) return "";
    return is_list && earlier != NULL ? text_of("%s,%s", earlier, value) : value;
}

static error_t option_read(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    if (key == 't') {
        options->target = value;
        options->has_target = true;
    } else if (key == ARGP_KEY_ARG && options->arguments != NULL && !options->has_path) {
        options->path = value;
        options->has_path = true;
    } else if (key == ARGP_KEY_ARG) {
        refuse_argument(options, value);
    } else if (key > 0 && key < 128) {
        options->values[key] = option_value(options, key, value);
    } else {
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Takes out keys and what follows `--`; the others are argp's. */
static int options_split(struct options *options, int count, char *arguments[])
{
    int kept = 1;
    for (int i = 1; i < count; i++) {
        if (options->takes_rest && strcmp(arguments[i], "--") == 0) {
            options->rest = arguments + i + 1;
            options->rest_count = count - i - 1;
            break;
        }
        if (options->takes_keys && is_key(options, arguments[i])) {
            keys_set(&options->keys, arguments[i]);
        } else {
            arguments[kept++] = arguments[i];
        }
    }
    return kept;
}

static const char *documentation(const struct options *options)
{
    return text_of("%s.%s", options->words,
                   options->takes_keys
                       ? "\vKeys change what the image is made of, and are remembered: "
                         "--build=release|debug, --harden=on|off, --optimize=speed|size, and "
                         "those that `loom describe` lists, such as --pages=image|host."
                       : "");
}

/* Its own options, then those that every command about an application has. */
static const struct argp_option *options_all(const struct options *options,
                                             struct argp_option all[])
{
    size_t count = 0;
    const bool about_application = options->arguments != NULL &&
                                   strstr(options->arguments, "APP") != NULL;
    for (const struct argp_option *own = options->own; own != NULL && own->name != NULL; own++)
        all[count++] = *own;
    if (about_application) all[count++] = shared[0];
    all[count] = (struct argp_option){ 0 };
    return all;
}

void options_read(struct options *options, int count, char *arguments[])
{
    struct argp_option all[OPTIONS_MAX + 1];
    const struct argp argp = {
        .options = options_all(options, all),
        .parser = option_read,
        .args_doc = options->arguments,
        .doc = documentation(options),
    };
    static char program[64];

    /* argp explains at length what two spellings of one option mean; nobody wondered. */
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    options->target = "unix";
    options->path = ".";
    snprintf(program, sizeof program, "loom %s", options->name);
    arguments[0] = program;
    count = options_split(options, count, arguments);
    arguments[count] = NULL;
    argp_parse(&argp, count, arguments, 0, NULL, options);
}

struct application options_application(const struct options *options)
{
    return application_open(options->path, options->target);
}
