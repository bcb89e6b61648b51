/* http_range.c - reads Range, and writes Content-Range and multipart/byteranges; see http_range.h.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_range.h"

#include "base/assert.h"
#include "base/units.h"
#include "target/entropy.h"

/* ---- reading ---- */

/* Decimal digits; a number too large for 64 bits is past every end, and told as the largest. */
static bool read_number(struct view text, uint64_t *value)
{
    if (view_is_empty(text)) return false;
    *value = 0;
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = text.bytes[i];
        if (byte < '0' || byte > '9') return false;
        if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(byte - '0'), value)) {
            *value = UINT64_MAX / 16; /* stays large whatever digits follow */
        }
    }
    return true;
}

/* One range-spec: "first-last", "first-" or "-suffix". A range outside of the representation gets
 * no length. False: malformed. */
static bool read_range(struct view text, uint64_t size_bytes, struct http_range *range)
{
    struct view last_text;
    uint64_t first, last = UINT64_MAX, suffix;
    *range = (struct http_range){ 0 };
    if (view_find_byte(text, '-') == text.length_bytes) return false;
    struct view first_text = view_cut(text, '-', &last_text);
    if (view_is_empty(first_text)) {
        if (!read_number(last_text, &suffix)) return false;
        range->length_bytes = MIN(suffix, size_bytes);
        range->first_byte = size_bytes - range->length_bytes;
        return true;
    }
    if (!read_number(first_text, &first)) return false;
    if (!view_is_empty(last_text) && !read_number(last_text, &last)) return false;
    if (last < first) return false;
    if (first >= size_bytes) return true;
    range->first_byte = first;
    range->length_bytes = MIN(last, size_bytes - 1) - first + 1;
    return true;
}

static bool ranges_touch(struct http_range a, struct http_range b)
{
    return a.first_byte <= b.first_byte + b.length_bytes &&
           b.first_byte <= a.first_byte + a.length_bytes;
}

static struct http_range joined(struct http_range a, struct http_range b)
{
    uint64_t first = MIN(a.first_byte, b.first_byte);
    uint64_t end = MAX(a.first_byte + a.length_bytes, b.first_byte + b.length_bytes);
    return (struct http_range){ .first_byte = first, .length_bytes = end - first };
}

static void ranges_remove(struct http_ranges *ranges, size_t index)
{
    for (size_t i = index; i + 1 < ranges->count; i++)
        ranges->ranges[i] = ranges->ranges[i + 1];
    ranges->count--;
}

/* One that grows by a join may touch others, which were apart from it until then. */
static void ranges_add(struct http_ranges *ranges, struct http_range range)
{
    size_t place = ranges->count;
    for (size_t i = 0; i < ranges->count;) {
        if (!ranges_touch(ranges->ranges[i], range)) {
            i++;
            continue;
        }
        range = joined(ranges->ranges[i], range);
        place = MIN(place, i);
        ranges_remove(ranges, i);
        i = 0;
    }
    for (size_t i = ranges->count; i > place; i--)
        ranges->ranges[i] = ranges->ranges[i - 1];
    ranges->ranges[place] = range;
    ranges->count++;
}

static bool cut_unit(struct view *value)
{
    struct view rest;
    struct view unit = view_cut(*value, '=', &rest);
    *value = rest;
    return view_equal_ignoring_case(unit, VIEW("bytes"));
}

enum http_range_outcome http_range_read(struct view value, uint64_t size_bytes,
                                        struct http_ranges *ranges)
{
    size_t asked = 0;
    ranges->count = 0;
    if (!cut_unit(&value)) return HTTP_RANGE_WHOLE;
    while (!view_is_empty(value)) {
        struct http_range range;
        struct view text = view_trim(view_cut(value, ',', &value));
        if (view_is_empty(text)) continue; /* an empty member of a list (5.6.1.2) */
        if (++asked > HTTP_RANGES_MAX) return HTTP_RANGE_WHOLE;
        if (!read_range(text, size_bytes, &range)) return HTTP_RANGE_WHOLE;
        if (range.length_bytes > 0) ranges_add(ranges, range);
    }
    if (asked == 0 || size_bytes == 0) return HTTP_RANGE_WHOLE;
    return ranges->count > 0 ? HTTP_RANGE_PARTS : HTTP_RANGE_UNSATISFIABLE;
}

/* ---- writing ---- */

void http_range_write(struct writer *writer, struct http_range range, uint64_t size_bytes)
{
    writer_put(writer, VIEW("bytes "));
    writer_put_decimal(writer, range.first_byte);
    writer_put(writer, VIEW("-"));
    writer_put_decimal(writer, range.first_byte + range.length_bytes - 1);
    writer_put(writer, VIEW("/"));
    writer_put_decimal(writer, size_bytes);
}

void http_range_write_none(struct writer *writer, uint64_t size_bytes)
{
    writer_put(writer, VIEW("bytes */"));
    writer_put_decimal(writer, size_bytes);
}

void http_multipart_init(struct http_multipart *multipart, struct view media_type,
                         uint64_t size_bytes)
{
    uint8_t random[HTTP_BOUNDARY_BYTES / 2];
    struct writer writer = writer_over(SPAN_OF(multipart->boundary));
    entropy_fill(SPAN_OF(random));
    writer_put_hex_bytes(&writer, VIEW_OF(random));
    bool told = media_type.length_bytes <= HTTP_PART_MEDIA_MAX;
    multipart->media_type = told ? media_type : (struct view){ 0 };
    multipart->size_bytes = size_bytes;
}

void http_multipart_write_type(struct writer *writer, const struct http_multipart *multipart)
{
    writer_put(writer, VIEW("multipart/byteranges; boundary="));
    writer_put(writer, VIEW_OF(multipart->boundary));
}

void http_multipart_write_head(struct writer *writer, const struct http_multipart *multipart,
                               struct http_range range)
{
    writer_put(writer, VIEW("\r\n--"));
    writer_put(writer, VIEW_OF(multipart->boundary));
    if (!view_is_empty(multipart->media_type)) {
        writer_put(writer, VIEW("\r\nContent-Type: "));
        writer_put(writer, multipart->media_type);
    }
    writer_put(writer, VIEW("\r\nContent-Range: "));
    http_range_write(writer, range, multipart->size_bytes);
    writer_put(writer, VIEW("\r\n\r\n"));
}

void http_multipart_write_end(struct writer *writer, const struct http_multipart *multipart)
{
    writer_put(writer, VIEW("\r\n--"));
    writer_put(writer, VIEW_OF(multipart->boundary));
    writer_put(writer, VIEW("--\r\n"));
}

uint64_t http_multipart_length(const struct http_multipart *multipart,
                               const struct http_ranges *ranges)
{
    uint8_t room[HTTP_PART_HEAD_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    http_multipart_write_end(&writer, multipart);
    uint64_t length_bytes = writer.length_bytes;
    for (size_t i = 0; i < ranges->count; i++) {
        writer = writer_over(SPAN_OF(room));
        http_multipart_write_head(&writer, multipart, ranges->ranges[i]);
        assert(!writer.ran_short);
        length_bytes += writer.length_bytes + ranges->ranges[i].length_bytes;
    }
    return length_bytes;
}
