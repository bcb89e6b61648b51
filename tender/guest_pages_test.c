/* guest_pages_test.c - memory by the image's addresses, over tables as target/machine makes them.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/guest_pages.h"

#include "base/units.h"
#include "target/machine/page_tables.h"
#include "test/test.h"

#define MEMORY_BYTES (4 * MIB)
#define TABLES_BYTES (16 * KIB)
#define SLIDE        (64 * MIB)
#define PAGE         ((uint64_t)MACHINE_PAGE_BYTES)

static uint8_t room[MEMORY_BYTES + TABLES_BYTES] __attribute__((aligned(4096)));
static struct guest_pages pages;

/* Pages 1 and 2 are mapped, 3 is not, 4 is; behind 2 MiB all is, in one page. */
static void lay_out(void)
{
    struct page_tables tables;
    struct span all = SPAN_OF(room);
    span_fill(all, 0);
    page_tables_init(&tables, span_from_offset(all, MEMORY_BYTES), MEMORY_BYTES, SLIDE);
    page_tables_map(&tables, PAGE, PAGE, PAGES_EXECUTE, false);
    page_tables_map(&tables, 2 * PAGE, PAGE, PAGES_READ, false);
    page_tables_map(&tables, 4 * PAGE, PAGE, PAGES_WRITE, false);
    page_tables_map(&tables, 2 * MIB, 2 * MIB, PAGES_WRITE, true);
    pages = (struct guest_pages){ .all = all, .root = MEMORY_BYTES };
}

TEST(guest_pages_are_where_the_tables_say)
{
    lay_out();
    expect_that(guest_pages_at(&pages, SLIDE + PAGE + 7).length_bytes, ==, PAGE - 7);
    expect(guest_pages_at(&pages, SLIDE + PAGE + 7).bytes == &room[PAGE + 7]);
    expect_that(guest_pages_at(&pages, SLIDE + 2 * MIB + PAGE).length_bytes, ==, 2 * MIB - PAGE);
    expect_that(guest_pages_at(&pages, SLIDE).length_bytes, ==, 0);
    expect_that(guest_pages_at(&pages, SLIDE + 3 * PAGE).length_bytes, ==, 0);
    expect_that(guest_pages_at(&pages, SLIDE + 4 * MIB).length_bytes, ==, 0);
    expect_that(guest_pages_at(&pages, PAGE).length_bytes, ==, 0);
    expect_that(guest_pages_at(&pages, UINT64_MAX).length_bytes, ==, 0);
    expect_that(guest_pages_at(&pages, ((uint64_t)1 << 48) + SLIDE + PAGE).length_bytes, ==, 0);
}

TEST(guest_pages_are_read_as_far_as_they_go)
{
    uint8_t bytes[16];
    lay_out();
    room[2 * PAGE] = 0x22;
    expect_that(guest_pages_read(&pages, SLIDE + 2 * PAGE - 1, SPAN_OF(bytes)), ==, 16);
    expect(bytes[0] == 0 && bytes[1] == 0x22);
    expect_that(guest_pages_read(&pages, SLIDE + 3 * PAGE - 5, SPAN_OF(bytes)), ==, 5);
    expect_that(guest_pages_read(&pages, SLIDE + 3 * PAGE, SPAN_OF(bytes)), ==, 0);
}

TEST(guest_pages_are_written_whole_or_not_at_all)
{
    const uint8_t bytes[4] = { 1, 2, 3, 4 };
    lay_out();
    expect(guest_pages_write(&pages, SLIDE + 2 * PAGE - 2, VIEW_OF(bytes)));
    expect(room[2 * PAGE - 2] == 1 && room[2 * PAGE + 1] == 4);
    expect(!guest_pages_write(&pages, SLIDE + 3 * PAGE - 2, VIEW_OF(bytes)));
    expect(room[3 * PAGE - 2] == 0 && room[3 * PAGE] == 0);
    expect(guest_pages_write(&pages, SLIDE + 3 * PAGE, (struct view){ 0 }));
}

/* The tables are made with the bit set; the processor sets it again. */
TEST(guest_pages_tell_what_was_touched)
{
    lay_out();
    struct guest_pages_touched touched = guest_pages_take_touched(&pages);
    expect_that(touched.small, ==, 3);
    expect_that(touched.large, ==, 1);
    touched = guest_pages_take_touched(&pages);
    expect(touched.small == 0 && touched.large == 0);
    expect_that(guest_pages_at(&pages, SLIDE + 4 * PAGE).length_bytes, ==, PAGE);
}
