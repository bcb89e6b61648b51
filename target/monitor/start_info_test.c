/* start_info_test.c - what PVH tells, as QEMU and as Firecracker's documentation give it, and
 * broken in every field.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/start_info.h"

#include <string.h>

#include "base/units.h"
#include "test/test.h"

/* xen/include/public/arch-x86/hvm/start_info.h. */
struct start {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp, map;
    uint32_t map_count, reserved;
};
static_assert(sizeof(struct start) == 56, "as Xen has it");

struct map_entry {
    uint64_t start, length_bytes;
    uint32_t type, reserved;
};

#define START_AT 0x600
#define MAP_AT   0x800
#define LINE_AT  0x2000
#define LOADED   0x100000

static struct low {
    uint8_t bytes[0x4000];
} low;

static struct start start;
static struct map_entry map[3];

static void fill(void)
{
    start = (struct start){
        .magic = 0x336ec578, .version = 1, .command_line = LINE_AT, .map = MAP_AT, .map_count = 3
    };
    map[0] = (struct map_entry){ 0, 0x9fc00, 1, 0 };
    map[1] = (struct map_entry){ 0x9fc00, 0x60400, 2, 0 };
    map[2] = (struct map_entry){ 0x100000, 0x3f00000, 1, 0 };
}

static enum result read_it(struct start_info *info)
{
    span_fill(SPAN_OF(low), 0);
    memcpy(&low.bytes[START_AT], &start, sizeof start);
    memcpy(&low.bytes[MAP_AT], map, sizeof map);
    memcpy(&low.bytes[LINE_AT], "--x y", 6);
    return start_info_read(info, VIEW_OF(low), START_AT, LOADED);
}

static void expect_refused(void)
{
    struct start_info info;
    expect_result(read_it(&info), INVALID);
    expect(info.problem != NULL);
    fill();
}

TEST(start_info_tells_memory_and_line)
{
    struct start_info info;
    fill();
    expect_ok(read_it(&info));
    expect_that(info.memory_end, ==, 0x4000000);
    expect_view(info.command_line, VIEW("--x y"));
}

TEST(start_info_may_have_no_line)
{
    struct start_info info;
    fill();
    start.command_line = 0;
    expect_ok(read_it(&info));
    expect(view_is_empty(info.command_line));
}

TEST(start_info_refuses_what_cannot_be)
{
    fill();
    start.magic++;
    expect_refused();
    start.version = 0; /* before there was a map of memory */
    expect_refused();
    start.map = 0;
    expect_refused();
    start.map = sizeof low;
    expect_refused();
    start.map = UINT64_MAX - 8;
    expect_refused();
    start.map_count = 0;
    expect_refused();
    start.map_count = UINT32_MAX;
    expect_refused();
    map[2].type = 2;
    expect_refused();
    map[2].start = LOADED + 1;
    expect_refused();
    map[2].length_bytes = 0;
    expect_refused();
}

TEST(start_info_bounds_what_lies_elsewhere)
{
    struct start_info info;
    fill();
    start.command_line = UINT64_MAX;
    map[2].length_bytes = UINT64_MAX;
    expect_ok(read_it(&info));
    expect(view_is_empty(info.command_line));
    expect_that(info.memory_end, ==, UINT64_MAX);
    fill();
    start.command_line = sizeof low - 4;
    expect_ok(read_it(&info));
    expect_that(info.command_line.length_bytes, <=, 4);
}

TEST(start_info_ends_where_memory_does)
{
    struct start_info info;
    fill();
    expect_ok(read_it(&info));
    expect_result(start_info_read(&info, view_first(VIEW_OF(low), START_AT + 55), START_AT, LOADED),
                  INVALID);
    expect_result(start_info_read(&info, VIEW_OF(low), UINT64_MAX, LOADED), INVALID);
    expect_result(start_info_read(&info, view_first(VIEW_OF(low), MAP_AT + 71), START_AT, LOADED),
                  INVALID);
}
