/* devices_kv.c - the stores of values by key that config.c can name.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"

static const char PAGES_DECLARATION[] = "extern const struct kv_crunch_pages $_pages;";

static const struct module pages_in_image = {
    .name = "kv_crunch",
    .signature = "kv",
    .instance = "pages",
    .header = "kv/kv_crunch.h",
    .words = "files crunched into the image",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/kv/kv_crunch*.c" },
    .needs = { "kv" },
};

static const struct module pages_on_host = {
    .name = "kv_directory",
    .signature = "kv",
    .instance = "pages",
    .header = "target/unix/kv_directory.h",
    .words = "a folder of the host",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/unix/kv_directory*.c" },
    .needs = { "kv", "digest" },
    .has_parameters = true,
    .prefix = "pages",
};

static const struct module directory = {
    .name = "kv_directory",
    .signature = "kv",
    .instance = "directory",
    .header = "target/unix/kv_directory.h",
    .words = "a folder of the host",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/unix/kv_directory*.c" },
    .needs = { "kv", "digest" },
    .has_parameters = true,
};

static const struct module memory = {
    .name = "kv_memory",
    .signature = "kv",
    .instance = "memory",
    .header = "kv/kv_memory.h",
    .words = "keys and values in memory",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/kv/kv_memory*.c" },
    .has_parameters = true,
    .needs = { "kv", "digest" },
};

static const struct module self = {
    .name = "kv_crunch",
    .signature = "kv",
    .instance = "self",
    .header = "kv/kv_crunch.h",
    .words = "what this very image is made of",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/kv/kv_crunch*.c" },
    .needs = { "kv" },
};

static const char *last_segment(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* The path within a string literal of C; a `$` of its own is not the device's name. */
static const char *literal_of(const char *path)
{
    const char *text = "";
    for (; *path != '\0'; path++) {
        if (*path == '$') {
            text = text_of("%s\\044", text);
        } else {
            text = text_of("%s%s%c", text, strchr("\"\\", *path) != NULL ? "\\" : "", *path);
        }
    }
    return text;
}

/* A kv_directory whose --directory defaults to the folder as it stands now, whatever folder the
 * image is started in. */
static struct kv *directory_of(struct place place, const struct module *module, const char *folder,
                               const char *rows)
{
    if (graph.target->is_machine) {
        place_error(place,
                    "%s is a folder of the host, and below a machine there is none; take "
                    "kv_pages() with --pages=image, which puts the files into the image, or "
                    "kv_memory()",
                    folder);
    }
    void *device = device_at(place, module, NO_DEVICES);
    device_words(device, last_segment(folder), "%s/ on the host", folder);
    device_parameters(device, rows);
    return device;
}

struct kv *kv_directory_at(struct place place, const char *folder)
{
    const char *path = literal_of(folder_path(place, folder));
    return directory_of(place, &directory, folder, text_of("KV_DIRECTORY_ROWS(\"%s\"),", path));
}

/* What is crunched into an image cannot be written, so neither is the folder it stands for. */
#define PAGES_ROWS \
    "PARAMETER_TEXT(struct kv_directory_parameters, directory, \"directory\",\n" \
    "                   \"%s\",\n" \
    "                   \"folder of the host that holds the pages\"),\n" \
    "    PARAMETER_FLAG(struct kv_directory_parameters, read_only, \"read-only\", \"on\",\n" \
    "                   \"never write to the folder\"),"

struct kv *kv_pages_at(struct place place, const char *folder)
{
    const char *path = folder_path(place, folder);
    if (key_is("pages", "image|host",
               "where the files of kv_pages are: in the image, or in their folder", "host")) {
        return directory_of(place, &pages_on_host, folder, text_of(PAGES_ROWS, literal_of(path)));
    }
    void *device = device_at(place, &pages_in_image, NO_DEVICES);
    device_words(device, last_segment(folder), "%s/ in the image", folder);
    device_constant(device, "&$_pages");
    device_declaration(device, PAGES_DECLARATION);
    device_crunch(device, path);
    return device;
}

struct kv *kv_memory_at(struct place place)
{
    return device_at(place, &memory, NO_DEVICES);
}

struct kv *kv_self_at(struct place place)
{
    void *device = device_at(place, &self, NO_DEVICES);
    device_constant(device, "&$_pages");
    device_declaration(device, PAGES_DECLARATION);
    graph.devices[graph.device_count - 1]->self = true;
    return device;
}
