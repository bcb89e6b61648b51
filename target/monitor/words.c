/* words.c - cuts a command line.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/words.h"

#include <stdbool.h>

#define DEVICE VIEW("virtio_mmio.device=")

static bool read_number(struct view text, uint64_t *number)
{
    if (view_starts_with(text, VIEW("0x")))
        return view_hex_to_u64(view_from_offset(text, 2), number);
    return view_to_u64(text, number);
}

/* With a letter that says how many times 1024; how long it is does not matter. */
static bool is_size(struct view text)
{
    uint64_t size;
    if (view_is_empty(text)) return false;
    const size_t last = text.length_bytes - 1;
    const uint8_t unit = view_byte(text, last) | 0x20;
    if (view_find_byte(VIEW("kmgtpe"), unit) < 6 && !view_starts_with(text, VIEW("0x")))
        text = view_first(text, last);
    return read_number(text, &size) && size > 0;
}

/* Linux, drivers/virtio/virtio_mmio.c: <size>[KMGTPE]@<base>:<irq>[:<id>], base and size in tens or
 * behind 0x. The size is always enough, and nobody here asks for the id. */
static bool read_device(struct view text, struct told_device *device)
{
    uint64_t interrupt, id;
    struct view size = view_cut(text, '@', &text);
    struct view base = view_cut(text, ':', &text);
    bool has_id = view_find_byte(text, ':') < text.length_bytes;
    struct view number = view_cut(text, ':', &text);
    if (!is_size(size) || !read_number(base, &device->registers)) return false;
    if (!view_to_u64(number, &interrupt) || interrupt == 0 || interrupt > UINT8_MAX) return false;
    if (has_id && !view_to_u64(text, &id)) return false;
    device->interrupt = (uint32_t)interrupt;
    return true;
}

/* What Firecracker adds by itself for a Linux (src/vmm/src/builder.rs): no parameter of an image
 * looks so. */
static bool is_for_linux(struct view word)
{
    return view_starts_with(word, VIEW("root=")) || view_equal(word, VIEW("pci=off")) ||
           view_equal(word, VIEW("ro")) || view_equal(word, VIEW("rw"));
}

/* What has been put behind `start` is a word. */
static enum result end_word(struct words *words, size_t start)
{
    struct view word = view_slice(span_view(words->room), start, words->length_bytes - start);
    if (is_for_linux(word)) {
        words->length_bytes = start;
        return OK;
    }
    if (!view_starts_with(word, DEVICE)) {
        if (words->length_bytes == words->room.length_bytes) return FULL;
        words->room.bytes[words->length_bytes++] = 0;
        return OK;
    }
    struct told_device device;
    words->length_bytes = start;
    if (!read_device(view_from_offset(word, DEVICE.length_bytes), &device)) return INVALID;
    if (words->device_count == words->device_max) return FULL;
    words->devices[words->device_count++] = device;
    return OK;
}

/* One word, of a line that begins with it. */
static enum result take_word(struct words *words, struct view *line)
{
    size_t start = words->length_bytes, at = 0;
    bool is_quoted = false;
    for (; at < line->length_bytes; at++) {
        uint8_t byte = view_byte(*line, at);
        if (byte == ' ' && !is_quoted) break;
        if (byte == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (words->length_bytes == words->room.length_bytes) return FULL;
        words->room.bytes[words->length_bytes++] = byte;
    }
    if (is_quoted) return INVALID;
    *line = view_from_offset(*line, at);
    return end_word(words, start);
}

enum result words_read(struct words *words, struct view line)
{
    words->length_bytes = words->device_count = 0;
    for (line = view_trim(line); !view_is_empty(line); line = view_trim(line)) {
        enum result result = take_word(words, &line);
        if (result != OK) return result;
    }
    return OK;
}
