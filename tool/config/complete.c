/* complete.c - naming the devices, and refusing what the types of config.c cannot show.
 *
 * SPDX-License-Identifier: ISC */
#include <assert.h>
#include <ctype.h>
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

__attribute__((noreturn)) static void unused(const struct device *device)
{
    place_error(device->place,
                "nobody uses this %s; hand it to start() or to another device, or take it out",
                device->module->name);
}

static void check_devices(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        for (size_t j = 0; j < i; j++)
            check_names(graph.devices[i], graph.devices[j]);
    }
    for (size_t i = 0; i < graph.device_count; i++) {
        if (!graph.devices[i]->used) unused(graph.devices[i]);
    }
}

static void name_namesakes(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        struct device *device = graph.devices[i];
        if (device->given == NULL && device->namesake != NULL)
            device->given = device->namesake->given;
    }
}

/* Frames that came would be taken by the one or the other. */
static void check_net_is_free(const struct device *net, const struct device *user, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        const struct device *earlier = graph.devices[i];
        for (size_t j = 0; j < earlier->need_count; j++) {
            if (earlier->needs[j]->device != net) continue;
            place_error(user->place,
                        "this %s is handed the net that the %s at line %d has already; give it one "
                        "of its own, such as named(\"second\", default_net())",
                        user->module->name, earlier->module->name, earlier->place.line);
        }
    }
}

static void check_nets(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        const struct device *user = graph.devices[i];
        for (size_t j = 0; j < user->need_count; j++) {
            const struct ticket *need = user->needs[j];
            if (need->device == NULL || strcmp(need->signature, "net") != 0) continue;
            check_net_is_free(need->device, user, i);
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

/* Devices of two kinds can end up with one name, by way of the folders that they are called after.
 */
static void check_name_is_free(const struct device *device, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(graph.devices[i]->name, device->name) != 0) continue;
        place_error(device->place,
                    "this %s and the %s at line %d would both be %s; give one of them another name",
                    device->module->name, graph.devices[i]->module->name,
                    graph.devices[i]->place.line, device->name);
    }
}

/* In which order a compiler evaluates the arguments of a call is its own affair, and with it in
 * which order devices are made. They are opened in the order of the graph: each after what it
 * needs, beginning with what start() names first. */
static void visit(struct device *device, struct device *ordered[], size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (ordered[i] == device) return;
    }
    for (size_t i = 0; i < device->need_count; i++) {
        if (device->needs[i]->device != NULL) visit(device->needs[i]->device, ordered, count);
    }
    ordered[(*count)++] = device;
}

/* All devices are reached: one that is not has nobody who uses it, or nobody who uses that. */
static void order_devices(void)
{
    struct device *ordered[GRAPH_DEVICES_MAX] = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < graph.argument_count; i++) {
        if (graph.arguments[i]->device != NULL) visit(graph.arguments[i]->device, ordered, &count);
    }
    assert(count == graph.device_count);
    for (size_t i = 0; i < count; i++)
        graph.devices[i] = ordered[i];
}

const char *device_prefix(const struct device *device)
{
    if (device->given != NULL) return device->given;
    return device->module->prefix != NULL ? device->module->prefix : "";
}

/* The name is a file's, a rule's of ninja and a string's of C. Beside the image stand files, whose
 * names all have a dot, and two folders. */
static void check_image_name(void)
{
    bool fits = isalpha((unsigned char)unikernel_name[0]);
    for (const char *letter = unikernel_name; *letter != '\0'; letter++)
        fits = fits && (isalnum((unsigned char)*letter) || *letter == '_' || *letter == '-');
    if (!fits) {
        place_error(unikernel_place,
                    "\"%s\" cannot be an image's name; take letters, digits, _ and -",
                    unikernel_name);
    }
    static const char *const taken[] = { "obj", "self" };
    if (list_has(taken, sizeof taken / sizeof *taken, unikernel_name)) {
        place_error(unikernel_place,
                    "an image cannot be called %s; its build folder has a folder of "
                    "that name",
                    unikernel_name);
    }
}

/* Whoever runs a machine knows its cards and disks by name, in so many bytes:
 * MACHINE_DEVICE_NAME_MAX of target/machine/machine.h, which is not for programs without Loom's own
 * assert. */
static void check_name_fits(const struct device *device)
{
    const int most = 16;
    bool is_card = strcmp(device->module->name, "net_virtio") == 0;
    bool is_disk = strcmp(device->module->name, "block_virtio") == 0;
    if ((!is_card && !is_disk) || strlen(device->name) <= (size_t)most) return;
    place_error(device->place,
                "%s: a machine's %s has a name of %d bytes at most; give it a shorter one",
                device->name, is_card ? "network card" : "disk", most);
}

void graph_complete(void)
{
    check_image_name();
    if (graph.entry == NULL) {
        place_error(unikernel_place,
                    "%s is never started; end its description with "
                    "start(%s_start, ...)",
                    unikernel_name, unikernel_name);
    }
    name_namesakes();
    check_devices();
    check_nets();
    order_devices();
    for (size_t i = 0; i < graph.device_count; i++) {
        name_device(graph.devices[i], i);
        check_name_is_free(graph.devices[i], i);
        check_name_fits(graph.devices[i]);
    }
}
