/* log_last.c - see log_last.h.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log_last.h"

#include "base/units.h"

static_assert(LOG_LAST_BYTES <= UINT8_MAX, "a line's length is a byte");

void log_last_put(struct log_last *last, struct view line)
{
    size_t slot = last->count++ % LOG_LAST_LINES;
    struct view kept = view_first(line, MIN(line.length_bytes, (size_t)LOG_LAST_BYTES));
    (void)span_copy(SPAN_OF(last->lines[slot]), kept);
    last->lengths[slot] = (uint8_t)kept.length_bytes;
}

size_t log_last_count(const struct log_last *last)
{
    return MIN(last->count, (uint64_t)LOG_LAST_LINES);
}

struct view log_last_line(const struct log_last *last, size_t index)
{
    assert_that(index, <, log_last_count(last));
    size_t slot = (last->count - log_last_count(last) + index) % LOG_LAST_LINES;
    return view_from(last->lines[slot], last->lengths[slot]);
}
