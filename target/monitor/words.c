/* words.c - cuts a command line.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/words.h"

#include <stdbool.h>

#define DEVICE VIEW("virtio_mmio.device=")

/* Linux, drivers/virtio/virtio_mmio.c: <size>[KMG]@<base>:<irq>[:<id>]. The size is always enough:
 * it is not looked at. */
static bool read_device(struct view text, struct told_device *device)
{
    uint64_t interrupt;
    (void)view_cut(text, '@', &text);
    struct view base = view_cut(text, ':', &text);
    struct view number = view_cut(text, ':', &text);
    if (!view_starts_with(base, VIEW("0x"))) return false;
    if (!view_hex_to_u64(view_from_offset(base, 2), &device->registers)) return false;
    if (!view_to_u64(number, &interrupt) || interrupt > UINT8_MAX) return false;
    device->interrupt = (uint32_t)interrupt;
    return true;
}

/* What has been put behind `start` is a word. */
static enum result end_word(struct words *words, size_t start)
{
    struct view word = view_slice(span_view(words->room), start, words->length_bytes - start);
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
