/* graph.h - the devices of one image and how they are wired, as config.c told them.
 *
 * The configuration is a program that runs for some milliseconds to describe one image: it has one
 * graph, and frees nothing.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONFIG_GRAPH_H
#define LOOM_CONFIG_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <loom/module.h>

#include "target.h"

enum { GRAPH_DEVICES_MAX = 120, DEVICE_CONSTANTS_MAX = 4, GRAPH_USES_MAX = 32 };

struct device;

/* What a pointer in config.c really points to. */
struct ticket {
    uint64_t magic;
    struct device *device; /* NULL: the application's own parameters */
    const char *signature;
    const char *expression; /* with `$` for the device's name */
};

struct device {
    struct place place;
    const struct module *module;
    const char *given;             /* by named(), or NULL */
    const struct device *namesake; /* whose name it is given when it has none, or NULL */
    const char *stem;
    const char *name; /* known once the graph is complete */
    const char *words;
    struct ticket whole;
    const struct ticket *needs[DEVICE_NEEDS_MAX];
    size_t need_count;
    const char *constants[DEVICE_CONSTANTS_MAX];
    size_t constant_count;
    const char *declaration;
    const char *parameters; /* initialisers of a table of its own, or NULL */
    const char *crunched;   /* the folder that is crunched into it, or NULL */
    bool self;              /* crunched from what the image tells about itself */
    bool used;
    bool is_default; /* what default_stack() gives */
};

struct graph {
    const char *house, *application, *output; /* absolute folders */
    const char *config;                       /* config.c, as the user would write it */
    const struct target *target;
    const char *compiler;
    const char *loom; /* the command itself, for the rules that run it */
    bool debug, hardened, small;
    bool boots_by_pvh; /* a machine that others than our tender can start, too */

    /* Each after what it needs: in the order they were made, and then in that of the graph. */
    struct device *devices[GRAPH_DEVICES_MAX];
    size_t device_count;

    struct place started;
    const char *entry; /* NULL: start() was not reached yet */
    const struct ticket *arguments[DEVICE_NEEDS_MAX];
    size_t argument_count;

    const char *parameters; /* of the application: the NAME of NAME_parameters, or NULL */
    const char *uses[GRAPH_USES_MAX];
    struct place use_places[GRAPH_USES_MAX];
    size_t use_count;
    const char *patterns[GRAPH_USES_MAX]; /* of more sources of the application */
    struct place pattern_places[GRAPH_USES_MAX];
    size_t pattern_count;
};

extern struct graph graph;

/* What a ticket says; ends the run if the pointer is none, with `what` in the error. */
const struct ticket *ticket_of(struct place place, const void *pointer, const char *what);

/* A device's ticket as an expression of main.c: "&http0.http". */
const char *ticket_expression(const struct ticket *ticket);

/* Its name for people: "http0", or "stack0.tcp" for a part. */
const char *ticket_name(const struct ticket *ticket);

/* Gives the device the name that the other is given. */
void device_named_like(const void *device, const void *other);

/* default_stack() gives it again. */
void device_is_default(const void *device);

/* The same text with `$` replaced by the device's name. */
const char *device_text(const struct device *device, const char *text);

/* The prefix of its boot parameters: "" if there is none. */
const char *device_prefix(const struct device *device);

/* Names the devices and refuses what types cannot show. */
void graph_complete(void);

/* One of Loom's own code modules by name, or NULL. */
const struct module *house_module(const char *name);

/* Whether a text is in a list that NULL or the list's end ends. */
bool list_has(const char *const list[], size_t length, const char *text);

#endif
