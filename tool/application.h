/* application.h - the application that a command is about: its folder, and what is built of it for
 * one target.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_APPLICATION_H
#define LOOM_TOOL_APPLICATION_H

#include <stdbool.h>
#include <stddef.h>

#include "house.h"
#include "target.h"

enum { KEYS_MAX = 64 };

/* Keys as they were typed, "--name=value" each. */
struct keys {
    const char *words[KEYS_MAX + 1];
    size_t count;
};

struct application {
    struct house house;
    const struct target *target;
    const char *folder; /* absolute */
    const char *output; /* folder/build/TARGET, or folder/build/TARGET-test */
    bool forgets_keys;  /* holds to the keys that are given, and else to their defaults */
    const char *shown;  /* config.c as the user would write it */
};

/* Ends the command when there is no such folder, or no config.c in it. */
struct application application_open(const char *path, const char *target);

/* The same for the program of its tests, which has a folder of its own: what an image was told to
 * be made of must not decide what its tests find to link with. */
struct application application_for_tests(const struct application *application);

/* The folder for tests, from that of an image: for who removes both. */
const char *application_test_output(const char *output);

/* The name of the image; it must have been configured. */
const char *application_name(const struct application *application);

/* The path of a file in the output folder. */
const char *application_file(const struct application *application, const char *name);

/* Reads a file whole, or NULL. */
char *file_read(const char *path);

/* Gives the key a value: a later one replaces an earlier one of the same name. */
void keys_set(struct keys *keys, const char *word);

/* The value, or NULL. */
const char *keys_value(const struct keys *keys, const char *name);

/* Those that were chosen when the application was last configured. */
struct keys keys_remembered(const struct application *application);

#endif
