/* view.c - comparing, searching and cutting bytes.
 *
 * SPDX-License-Identifier: ISC */
#include "base/view.h"

#include "base/units.h"

void view_panic_index(size_t index, size_t length_bytes)
{
    panic_values(__FILE__, __LINE__, "index < view.length_bytes", index, length_bytes);
}

void view_panic_first(size_t length_bytes, size_t of_bytes)
{
    panic_values(__FILE__, __LINE__, "length_bytes <= view.length_bytes", length_bytes, of_bytes);
}

void view_panic_offset(size_t offset_bytes, size_t of_bytes)
{
    panic_values(__FILE__, __LINE__, "offset_bytes <= view.length_bytes", offset_bytes, of_bytes);
}

void view_panic_copy(size_t from_bytes, size_t to_bytes)
{
    panic_values(__FILE__, __LINE__, "from.length_bytes <= to.length_bytes", from_bytes, to_bytes);
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

int view_compare(struct view a, struct view b)
{
    size_t common = MIN(a.length_bytes, b.length_bytes);
    int order = common > 0 ? __builtin_memcmp(a.bytes, b.bytes, common) : 0;
    if (order != 0) return order;
    return (a.length_bytes > b.length_bytes) - (a.length_bytes < b.length_bytes);
}

bool view_equal_ignoring_case(struct view a, struct view b)
{
    if (a.length_bytes != b.length_bytes) return false;
    for (size_t i = 0; i < a.length_bytes; i++) {
        if (lower(a.bytes[i]) != lower(b.bytes[i])) return false;
    }
    return true;
}

bool view_starts_with(struct view view, struct view prefix)
{
    return view.length_bytes >= prefix.length_bytes &&
           view_equal(view_first(view, prefix.length_bytes), prefix);
}

bool view_ends_with(struct view view, struct view suffix)
{
    return view.length_bytes >= suffix.length_bytes &&
           view_equal(view_from_offset(view, view.length_bytes - suffix.length_bytes), suffix);
}

size_t view_find_byte(struct view view, uint8_t byte)
{
    if (view.length_bytes == 0) return 0;
    const uint8_t *found = __builtin_memchr(view.bytes, byte, view.length_bytes);
    return found == NULL ? view.length_bytes : (size_t)(found - view.bytes);
}

size_t view_find(struct view view, struct view part)
{
    if (part.length_bytes == 0) return 0;
    size_t offset = 0;
    while (view.length_bytes - offset >= part.length_bytes) {
        offset += view_find_byte(view_from_offset(view, offset), part.bytes[0]);
        if (view.length_bytes - offset < part.length_bytes) break;
        if (view_equal(view_slice(view, offset, part.length_bytes), part)) return offset;
        offset++;
    }
    return view.length_bytes;
}

struct view view_cut(struct view view, uint8_t byte, struct view *rest)
{
    size_t at = view_find_byte(view, byte);
    *rest = view_from_offset(view, at == view.length_bytes ? at : at + 1);
    return view_first(view, at);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

struct view view_trim(struct view view)
{
    size_t start = 0, end = view.length_bytes;
    while (start < end && is_blank(view.bytes[start]))
        start++;
    while (end > start && is_blank(view.bytes[end - 1]))
        end--;
    return view_slice(view, start, end - start);
}

bool view_to_u64(struct view view, uint64_t *value)
{
    uint64_t sum = 0;
    if (view.length_bytes == 0) return false;
    for (size_t i = 0; i < view.length_bytes; i++) {
        unsigned digit = (unsigned)view.bytes[i] - '0';
        if (digit > 9) return false;
        if (__builtin_mul_overflow(sum, 10, &sum)) return false;
        if (__builtin_add_overflow(sum, digit, &sum)) return false;
    }
    *value = sum;
    return true;
}

static unsigned hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') return (unsigned)byte - '0';
    byte = lower(byte);
    if (byte >= 'a' && byte <= 'f') return (unsigned)byte - 'a' + 10;
    return 16;
}

bool view_hex_to_u64(struct view view, uint64_t *value)
{
    uint64_t sum = 0;
    if (view.length_bytes == 0 || view.length_bytes > 16) return false;
    for (size_t i = 0; i < view.length_bytes; i++) {
        unsigned digit = hex_digit(view.bytes[i]);
        if (digit > 15) return false;
        sum = sum << 4 | digit;
    }
    *value = sum;
    return true;
}
