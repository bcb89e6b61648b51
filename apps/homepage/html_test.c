/* html_test.c - text and figures as HTML.
 *
 * SPDX-License-Identifier: ISC */
#include "html.h"

#include "base/units.h"
#include "test/test.h"

#define THIN "\xe2\x80\xaf"

#define expect_put(call, wanted) \
    do { \
        uint8_t room_[128]; \
        struct writer writer_ = writer_over(SPAN_OF(room_)); \
        struct writer *page = &writer_; \
        call; \
        expect(!writer_.ran_short); \
        expect_view(writer_view(&writer_), VIEW(wanted)); \
    } while (0)

TEST(text_is_escaped)
{
    expect_put(html_put(page, VIEW("a<b> & \"c\" 'd'")),
               "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
    expect_put(html_put(page, VIEW("")), "");
}

TEST(counts_are_grouped)
{
    expect_put(html_put_count(page, 0), "0");
    expect_put(html_put_count(page, 999), "999");
    expect_put(html_put_count(page, 1000), "1" THIN "000");
    expect_put(html_put_count(page, 1002003), "1" THIN "002" THIN "003");
    expect_put(html_put_count(page, UINT64_MAX),
               "18" THIN "446" THIN "744" THIN "073" THIN "709" THIN "551" THIN "615");
}

TEST(bytes_take_the_largest_unit_they_reach)
{
    expect_put(html_put_bytes(page, 0), "0" THIN "bytes");
    expect_put(html_put_bytes(page, 1023), "1" THIN "023" THIN "bytes");
    expect_put(html_put_bytes(page, 1024), "1" THIN "KiB");
    expect_put(html_put_bytes(page, 1536), "1.50" THIN "KiB");
    expect_put(html_put_bytes(page, 25 * MIB + MIB / 4), "25.2" THIN "MiB");
    expect_put(html_put_bytes(page, 250 * MIB), "250" THIN "MiB");
    expect_put(html_put_bytes(page, UINT64_MAX), "17179869183" THIN "GiB");
}

TEST(durations_say_two_places)
{
    expect_put(html_put_duration(page, 0), "0" THIN "ns");
    expect_put(html_put_duration(page, 64 * US_NS), "64" THIN "\xc2\xb5s");
    expect_put(html_put_duration(page, 1500 * US_NS), "1.50" THIN "ms");
    expect_put(html_put_duration(page, 59 * S_NS), "59" THIN "s");
    expect_put(html_put_duration(page, 61 * S_NS), "1" THIN "min 1" THIN "s");
    expect_put(html_put_duration(page, 3600 * S_NS), "1" THIN "h 0" THIN "min");
    expect_put(html_put_duration(page, S_NS * 49 * 3600), "2" THIN "d 1" THIN "h");
}

TEST(what_does_not_fit_is_told)
{
    uint8_t room[6];
    struct writer page = writer_over(SPAN_OF(room));
    html_put(&page, VIEW("<<"));
    expect(page.ran_short);
}
