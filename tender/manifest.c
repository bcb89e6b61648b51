/* manifest.c - finds an image's devices in its manifest.
 *
 * The manifest comes from a file that may be anything. What is not looked for is skipped, in a loop
 * of bounded depth; a name with an escape in it is none of ours.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/manifest.h"

#include "base/cursor.h"
#include "base/units.h"

#define DEPTH_MAX 16

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* What comes next, without taking it; 0: nothing. */
static uint8_t peek(struct cursor *json)
{
    while (cursor_left(json) > 0) {
        uint8_t byte = view_byte(json->bytes, json->offset_bytes);
        if (!is_space(byte)) return byte;
        json->offset_bytes++;
    }
    return 0;
}

static bool take(struct cursor *json, uint8_t wanted)
{
    if (peek(json) != wanted || json->ran_short) return false;
    json->offset_bytes++;
    return true;
}

static bool take_string(struct cursor *json, struct view *text)
{
    if (!take(json, '"')) return false;
    size_t start = json->offset_bytes;
    while (cursor_left(json) > 0) {
        uint8_t byte = cursor_u8(json);
        if (byte == '\\') cursor_skip(json, 1);
        if (byte != '"') continue;
        *text = view_slice(json->bytes, start, json->offset_bytes - 1 - start);
        return !json->ran_short;
    }
    return false;
}

/* A number, true, false or null. */
static bool skip_word(struct cursor *json)
{
    size_t start = json->offset_bytes;
    while (cursor_left(json) > 0) {
        uint8_t byte = view_byte(json->bytes, json->offset_bytes);
        if (is_space(byte) || byte == ',' || byte == ']' || byte == '}') break;
        json->offset_bytes++;
    }
    return json->offset_bytes > start;
}

/* Any value. Between brackets it is not looked at what stands where: they must match. */
static bool skip_value(struct cursor *json)
{
    uint8_t closing[DEPTH_MAX];
    size_t depth = 0;
    struct view text;
    do {
        uint8_t next = peek(json);
        if (next == '{' || next == '[') {
            if (depth == DEPTH_MAX) return false;
            closing[depth++] = next == '{' ? '}' : ']';
            json->offset_bytes++;
        } else if (depth > 0 && next == closing[depth - 1]) {
            depth--;
            json->offset_bytes++;
        } else if (depth > 0 && (next == ',' || next == ':')) {
            json->offset_bytes++;
        } else if (next == '"' ? !take_string(json, &text) : !skip_word(json)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

/* In an object or an array: goes on to the next member. False: that was the last, or it is
 * malformed, which *ended tells. */
static bool next_member(struct cursor *json, uint8_t closing, bool *is_first, bool *ended)
{
    *ended = take(json, closing);
    if (*ended) return false;
    if (!*is_first && !take(json, ',')) return false;
    *is_first = false;
    return true;
}

struct device_text {
    struct view name, module, prefix;
};

static bool read_device_member(struct cursor *json, struct device_text *device)
{
    struct view key, ignored, *text = &ignored;
    if (!take_string(json, &key) || !take(json, ':')) return false;
    if (view_equal(key, VIEW("name"))) text = &device->name;
    if (view_equal(key, VIEW("module"))) text = &device->module;
    if (view_equal(key, VIEW("prefix"))) text = &device->prefix;
    return text != &ignored ? take_string(json, text) : skip_value(json);
}

static bool read_device(struct cursor *json, struct device_text *device)
{
    bool is_first = true, ended;
    *device = (struct device_text){ 0 };
    if (!take(json, '{')) return false;
    while (next_member(json, '}', &is_first, &ended))
        if (!read_device_member(json, device)) return false;
    return ended;
}

static bool add_device(struct manifest *manifest, const struct device_text *text)
{
    static const struct {
        struct view module;
        enum machine_device_kind kind;
    } modules[] = {
        { VIEW_ROW("net_virtio"), MACHINE_NET },
        { VIEW_ROW("block_virtio"), MACHINE_BLOCK },
    };
    for (size_t i = 0; i < LENGTH_OF(modules); i++) {
        if (!view_equal(text->module, modules[i].module)) continue;
        if (manifest->count == LENGTH_OF(manifest->devices) || view_is_empty(text->name) ||
            text->name.length_bytes > MACHINE_DEVICE_NAME_MAX)
            return false;
        manifest->devices[manifest->count++] = (struct manifest_device){ .kind = modules[i].kind,
                                                                         .name = text->name,
                                                                         .prefix = text->prefix };
    }
    return true;
}

static bool read_devices(struct cursor *json, struct manifest *manifest)
{
    bool is_first = true, ended;
    struct device_text device;
    if (!take(json, '[')) return false;
    while (next_member(json, ']', &is_first, &ended))
        if (!read_device(json, &device) || !add_device(manifest, &device)) return false;
    return ended;
}

bool manifest_read(struct manifest *manifest, struct view text)
{
    struct cursor json = cursor_over(text);
    bool is_first = true, ended;
    struct view key;
    *manifest = (struct manifest){ 0 };
    if (!take(&json, '{')) return false;
    while (next_member(&json, '}', &is_first, &ended)) {
        bool sound = take_string(&json, &key) && take(&json, ':');
        if (sound && view_equal(key, VIEW("name"))) {
            sound = take_string(&json, &manifest->name);
        } else if (sound && view_equal(key, VIEW("devices"))) {
            sound = read_devices(&json, manifest);
        } else if (sound) {
            sound = skip_value(&json);
        }
        if (!sound) return false;
    }
    return ended && peek(&json) == 0 && cursor_left(&json) == 0;
}
