/* complete.c - naming the devices, and refusing what the types of config.c cannot show.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"

static bool same_name(const char *a, const char *b)
{
    if (a == NULL || b == NULL) return a == b;
    return strcmp(a, b) == 0;
}

/* Two of a kind would share their boot parameters, and nobody could tell them apart. */
static void check_names(const struct device *device, const struct device *earlier)
{
    if (device->module != earlier->module || !same_name(device->given, earlier->given)) return;
    if (device->given != NULL) {
        place_error(device->place,
                    "a second %s is named \"%s\", as the one at line %d; "
                    "give one of them another name",
                    device->module->name, device->given, earlier->place.line);
    }
    place_error(device->place,
                "a second %s without a name, after the one at line %d; "
                "tell them apart: named(\"second\", ...) around one of them",
                device->module->name, earlier->place.line);
}

static void check_devices(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        for (size_t j = 0; j < i; j++)
            check_names(graph.devices[i], graph.devices[j]);
    }
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *device = graph.devices[i];
        if (!device->used) {
            place_error(
                device->place,
                "nobody uses this %s; hand it to start() or to another device, or take it out",
                device->module->name);
        }
    }
}

static void name_device(struct device *device, size_t index)
{
    size_t count = 0;
    if (device->given != NULL) {
        char *name = strdup(text_of("%s_%s", device->stem, device->given));
        for (char *dash = strchr(name, '-'); dash != NULL; dash = strchr(dash, '-'))
            *dash = '_';
        device->name = name;
        return;
    }
    for (size_t i = 0; i < index; i++) {
        const struct device *earlier = graph.devices[i];
        if (earlier->given == NULL && strcmp(earlier->stem, device->stem) == 0) count++;
    }
    device->name = text_of("%s%zu", device->stem, count);
}

const char *device_prefix(const struct device *device)
{
    if (device->given != NULL) return device->given;
    return device->module->prefix != NULL ? device->module->prefix : "";
}

void graph_complete(void)
{
    if (graph.entry == NULL) {
        place_error(unikernel_place,
                    "%s is never started; end its description with "
                    "start(%s_start, ...)",
                    unikernel_name, unikernel_name);
    }
    check_devices();
    for (size_t i = 0; i < graph.device_count; i++)
        name_device(graph.devices[i], i);
}
