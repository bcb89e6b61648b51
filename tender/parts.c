/* parts.c - copying into and out of several places.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/parts.h"

#include "base/units.h"

static struct span part_of(const struct iovec *part)
{
    return span_from(part->iov_base, part->iov_len);
}

/* What of a part lies behind the offset, of which the part is taken off. */
static struct span part_behind(const struct iovec *part, size_t *offset_bytes)
{
    size_t skipped_bytes = MIN(*offset_bytes, part->iov_len);
    *offset_bytes -= skipped_bytes;
    return span_from_offset(part_of(part), skipped_bytes);
}

size_t parts_copy_out(const struct iovec *parts, size_t count, size_t offset_bytes, struct span to)
{
    size_t wanted_bytes = to.length_bytes;
    for (size_t i = 0; i < count && to.length_bytes > 0; i++) {
        struct view from = span_view(part_behind(&parts[i], &offset_bytes));
        to = span_copy(to, view_first(from, MIN(from.length_bytes, to.length_bytes)));
    }
    return wanted_bytes - to.length_bytes;
}

size_t parts_copy_in(const struct iovec *parts, size_t count, size_t offset_bytes, struct view from)
{
    size_t wanted_bytes = from.length_bytes;
    for (size_t i = 0; i < count && from.length_bytes > 0; i++) {
        struct span to = part_behind(&parts[i], &offset_bytes);
        size_t part_bytes = MIN(from.length_bytes, to.length_bytes);
        (void)span_copy(to, view_first(from, part_bytes));
        from = view_from_offset(from, part_bytes);
    }
    return wanted_bytes - from.length_bytes;
}

size_t parts_slice(struct iovec *to, const struct iovec *parts, size_t count, size_t offset_bytes,
                   size_t length_bytes)
{
    size_t sliced = 0;
    for (size_t i = 0; i < count && length_bytes > 0; i++) {
        struct span part = part_behind(&parts[i], &offset_bytes);
        part = span_first(part, MIN(part.length_bytes, length_bytes));
        if (part.length_bytes == 0) continue;
        length_bytes -= part.length_bytes;
        to[sliced++] = (struct iovec){ .iov_base = part.bytes, .iov_len = part.length_bytes };
    }
    return sliced;
}
