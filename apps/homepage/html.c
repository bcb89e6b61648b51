/* html.c - text and figures as HTML.
 *
 * SPDX-License-Identifier: ISC */
#include "html.h"

#include "base/units.h"

/* U+202F, a narrow space that does not break. */
#define NARROW_SPACE "\xe2\x80\xaf"

static struct view entity_of(const uint8_t *byte)
{
    switch (*byte) {
    case '&': return VIEW("&amp;");
    case '<': return VIEW("&lt;");
    case '>': return VIEW("&gt;");
    case '"': return VIEW("&quot;");
    case '\'': return VIEW("&#39;");
    default: return view_from(byte, 1);
    }
}

void html_put(struct writer *page, struct view text)
{
    for (size_t i = 0; i < text.length_bytes; i++)
        writer_put(page, entity_of(&text.bytes[i]));
}

void html_put_count(struct writer *page, uint64_t count)
{
    if (count < 1000) {
        writer_put_decimal(page, count);
        return;
    }
    html_put_count(page, count / 1000);
    writer_format(page, NARROW_SPACE "%03u", (unsigned)(count % 1000));
}

/* Three significant digits, or all that stand before the point; no zeros behind it alone. */
static void put_ratio(struct writer *page, uint64_t value, uint64_t unit)
{
    uint64_t whole = value / unit;
    unsigned hundredths = (unsigned)(value % unit * 100 / unit);
    if (whole >= 10) hundredths = hundredths / 10 * 10;
    writer_put_decimal(page, whole);
    if (whole >= 100 || hundredths == 0) return;
    if (whole >= 10)
        writer_format(page, ".%u", hundredths / 10);
    else
        writer_format(page, ".%02u", hundredths);
}

struct unit {
    uint64_t size;
    const char *name;
};

/* The largest unit that the value reaches; the last of the list otherwise. */
static void put_in_unit(struct writer *page, uint64_t value, const struct unit units[],
                        size_t count)
{
    size_t i = 0;
    while (i + 1 < count && value < units[i].size)
        i++;
    if (units[i].size == 1)
        html_put_count(page, value);
    else
        put_ratio(page, value, units[i].size);
    writer_format(page, NARROW_SPACE "%s", units[i].name);
}

void html_put_bytes(struct writer *page, uint64_t bytes)
{
    static const struct unit units[] = {
        { GIB, "GiB" }, { MIB, "MiB" }, { KIB, "KiB" }, { 1, "bytes" }
    };
    put_in_unit(page, bytes, units, LENGTH_OF(units));
}

static void put_two(struct writer *page, uint64_t value, uint64_t large, const char *large_name,
                    uint64_t small, const char *small_name)
{
    writer_format(page, "%llu" NARROW_SPACE "%s %llu" NARROW_SPACE "%s",
                  (unsigned long long)(value / large), large_name,
                  (unsigned long long)(value % large / small), small_name);
}

void html_put_duration(struct writer *page, uint64_t duration_ns)
{
    static const struct unit units[] = {
        { S_NS, "s" }, { MS_NS, "ms" }, { US_NS, "\xc2\xb5s" }, { 1, "ns" }
    };
    const uint64_t minute_ns = 60 * S_NS, hour_ns = 60 * minute_ns, day_ns = 24 * hour_ns;
    if (duration_ns >= day_ns)
        put_two(page, duration_ns, day_ns, "d", hour_ns, "h");
    else if (duration_ns >= hour_ns)
        put_two(page, duration_ns, hour_ns, "h", minute_ns, "min");
    else if (duration_ns >= minute_ns)
        put_two(page, duration_ns, minute_ns, "min", S_NS, "s");
    else
        put_in_unit(page, duration_ns, units, LENGTH_OF(units));
}
