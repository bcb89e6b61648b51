/* application.c - finding an application, and remembering its keys.
 *
 * SPDX-License-Identifier: ISC */
#include "application.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loom/module.h>

#include "fail.h"

struct application application_open(const char *path, const char *target_name)
{
    struct application application = { .house = house_find(), .target = target_find(target_name) };
    if (application.target == NULL) {
        fail_usage("there is no target %s; see `loom targets`", target_name);
    }
    application.folder = realpath(path, NULL);
    if (application.folder == NULL) {
        fail("%s: %s; `loom new %s` makes a new application there", path, strerror(errno), path);
    }
    struct stat status;
    if (stat(application.folder, &status) == 0 && !S_ISDIR(status.st_mode)) {
        fail("%s is a file; name the folder of the application", path);
    }
    if (access(text_of("%s/config.c", application.folder), R_OK) != 0) {
        fail("%s: there is no config.c in it, so it is no application; `loom new NAME` makes one",
             path);
    }
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    application.shown = strcmp(path, ".") == 0 ? "config.c"
                                               : text_of("%.*s/config.c", (int)length, path);
    application.output = text_of("%s/build/%s", application.folder, application.target->name);
    return application;
}

const char *application_test_output(const char *output)
{
    return text_of("%s-test", output);
}

struct application application_for_tests(const struct application *application)
{
    struct application tests = *application;
    tests.output = application_test_output(application->output);
    tests.forgets_keys = true;
    return tests;
}

const char *application_file(const struct application *application, const char *name)
{
    return text_of("%s/%s", application->output, name);
}

char *file_read(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (file == NULL) return NULL;
    if (getdelim(&text, &room, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

const char *application_name(const struct application *application)
{
    char *name = file_read(application_file(application, "name.txt"));
    if (name == NULL) {
        fail("%s: it is not configured for %s yet; run `loom configure`", application->shown,
             application->target->name);
    }
    name[strcspn(name, "\n")] = '\0';
    return name;
}

static size_t name_length(const char *word)
{
    return strcspn(word, "=");
}

void keys_set(struct keys *keys, const char *word)
{
    for (size_t i = 0; i < keys->count; i++) {
        size_t length = name_length(word);
        if (length == name_length(keys->words[i]) && strncmp(keys->words[i], word, length) == 0) {
            keys->words[i] = word;
            return;
        }
    }
    if (keys->count == KEYS_MAX) fail_usage("more than %d keys", KEYS_MAX);
    keys->words[keys->count++] = word;
}

const char *keys_value(const struct keys *keys, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < keys->count; i++) {
        const char *word = keys->words[i] + 2;
        if (strncmp(word, name, length) == 0 && word[length] == '=') return word + length + 1;
    }
    return NULL;
}

struct keys keys_remembered(const struct application *application)
{
    struct keys keys = { .count = 0 };
    char *text = file_read(application_file(application, "keys.txt"));
    char *rest = NULL;
    if (text == NULL) return keys;
    for (char *word = strtok_r(text, "\n", &rest); word != NULL; word = strtok_r(NULL, "\n", &rest))
        keys_set(&keys, text_of("%s", word));
    free(text);
    return keys;
}
