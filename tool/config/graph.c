/* graph.c - making devices, and the tickets that stand for them in config.c.
 *
 * SPDX-License-Identifier: ISC */
#include "config/graph.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <loom/config.h>

static const uint64_t TICKET_MAGIC = 0x6c6f6f6d7469636b;

const char devices_end[1];

struct graph graph;

static void *memory(size_t bytes)
{
    void *room = calloc(1, bytes);
    if (room == NULL) abort();
    return room;
}

const struct ticket *ticket_of(struct place place, const void *pointer, const char *what)
{
    const struct ticket *ticket = pointer;
    if (ticket == NULL || ticket->magic != TICKET_MAGIC) {
        place_error(place, "%s is no device; hand it what a function of loom/config.h gave", what);
    }
    return ticket;
}

static const struct ticket *ticket_of_device(const void *pointer)
{
    return ticket_of(graph.started.file != NULL ? graph.started : unikernel_place, pointer,
                     "what was handed on");
}

/* Copies a list that devices_end ends, and marks what is in it as used. */
static size_t needs_read(struct place place, const char *of, const void *const list[],
                         const struct ticket *needs[])
{
    size_t count = 0;
    for (; list[count] != devices_end; count++) {
        if (count == DEVICE_NEEDS_MAX) {
            place_error(place, "%s is handed more than %d devices", of, DEVICE_NEEDS_MAX);
        }
        needs[count] = ticket_of(place, list[count], text_of("argument %zu of %s", count + 1, of));
        if (needs[count]->device != NULL) needs[count]->device->used = true;
    }
    return count;
}

void *device_at(struct place place, const struct module *module, const void *const needs[])
{
    struct device *device = memory(sizeof *device);

    if (graph.device_count == GRAPH_DEVICES_MAX) {
        place_error(place, "an image has at most %d devices", GRAPH_DEVICES_MAX);
    }
    if (module->signature == NULL || module->name == NULL || module->header == NULL) {
        place_error(place,
                    "a module that devices are made of has a .name, a .signature and a .header");
    }
    if (module->unsanitized != NULL && module->unsanitized_reason == NULL) {
        place_error(place, "module %s goes without -fsanitize=%s; say why in .unsanitized_reason",
                    module->name, module->unsanitized);
    }
    device->place = place;
    device->module = module;
    device->stem = module->instance != NULL ? module->instance : module->name;
    device->whole = (struct ticket){
        .magic = TICKET_MAGIC,
        .device = device,
        .signature = module->signature,
        .expression = module->expression != NULL ? module->expression
                                                 : text_of("&$.%s", module->signature),
    };
    device->need_count = needs_read(place, module->name, needs, device->needs);
    graph.devices[graph.device_count++] = device;
    return &device->whole;
}

void *device_part(const void *device, const char *signature, const char *expression)
{
    struct ticket *part = memory(sizeof *part);
    *part = *ticket_of_device(device);
    part->signature = signature;
    part->expression = expression;
    return part;
}

static struct device *device_of(const void *pointer)
{
    return ticket_of_device(pointer)->device;
}

void device_constant(const void *device, const char *expression)
{
    struct device *made = device_of(device);
    if (made->constant_count == DEVICE_CONSTANTS_MAX) {
        place_error(made->place, "a device has at most %d constants", DEVICE_CONSTANTS_MAX);
    }
    made->constants[made->constant_count++] = expression;
}

void device_declaration(const void *device, const char *declaration)
{
    device_of(device)->declaration = declaration;
}

void device_parameters(const void *device, const char *initialisers)
{
    device_of(device)->parameters = initialisers;
}

void device_crunch(const void *device, const char *folder)
{
    device_of(device)->crunched = folder;
}

void device_named_like(const void *device, const void *other)
{
    device_of(device)->namesake = device_of(other);
}

void device_is_default(const void *device)
{
    device_of(device)->is_default = true;
}

/* "my-pages.d" makes my_pages_d: a name that C takes. */
static const char *identifier_of(const char *text)
{
    char *name = memory(strlen(text) + 2);
    size_t length = 0;
    if (!isalpha((unsigned char)text[0])) name[length++] = '_';
    for (; *text != '\0'; text++) {
        name[length++] = isalnum((unsigned char)*text) ? *text : '_';
    }
    return name;
}

void device_words(const void *device, const char *stem, const char *format, ...)
{
    struct device *made = device_of(device);
    char *words;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&words, format, arguments) < 0) abort();
    va_end(arguments);
    made->words = words;
    if (stem != NULL && stem[0] != '\0') made->stem = identifier_of(stem);
}

void *named_at(struct place place, const char *name, const void *device)
{
    const struct ticket *ticket = ticket_of(place, device, "what named() is given");
    bool fits = islower((unsigned char)name[0]);
    for (const char *letter = name; *letter != '\0'; letter++) {
        fits = fits && (islower((unsigned char)*letter) || isdigit((unsigned char)*letter) ||
                        *letter == '-');
    }
    if (!fits) {
        place_error(
            place, "\"%s\" cannot be a device's name; take small letters, digits and dashes", name);
    }
    if (ticket->device == NULL || ticket != &ticket->device->whole) {
        place_error(place, "named() was given a part of a device; name the device itself");
    }
    ticket->device->given = name;
    return &ticket->device->whole;
}

void start_at(struct place place, const char *entry, const void *const arguments[])
{
    if (graph.entry != NULL) {
        place_error(place,
                    "a second start(), after the one at line %d; an image starts in one place, "
                    "which can start fibers",
                    graph.started.line);
    }
    graph.entry = entry;
    graph.started = place;
    graph.argument_count = needs_read(place, entry, arguments, graph.arguments);
}

const void *parameters_at(struct place place, const char *name)
{
    static struct ticket ticket;
    if (graph.parameters != NULL && strcmp(graph.parameters, name) != 0) {
        place_error(place,
                    "parameters(%s) after parameters(%s); an application has one table of them",
                    name, graph.parameters);
    }
    graph.parameters = name;
    ticket = (struct ticket){
        .magic = TICKET_MAGIC,
        .signature = "parameters",
        .expression = text_of("&%s0_parameters", name),
    };
    return &ticket;
}

void use_at(struct place place, const char *name)
{
    if (graph.use_count == GRAPH_USES_MAX) {
        place_error(place, "use() was said more than %d times", GRAPH_USES_MAX);
    }
    graph.use_places[graph.use_count] = place;
    graph.uses[graph.use_count++] = name;
}

void application_sources_at(struct place place, const char *pattern)
{
    if (graph.pattern_count == GRAPH_USES_MAX) {
        place_error(place, "application_sources() was said more than %d times", GRAPH_USES_MAX);
    }
    graph.pattern_places[graph.pattern_count] = place;
    graph.patterns[graph.pattern_count++] = pattern;
}
