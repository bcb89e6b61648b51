/* devices_test.c - which pages of registers an image is shown: joined where they are near to each
 * other, and never the monitor's or the local APIC's.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/devices.h"

#include "base/units.h"
#include "target/monitor/monitor.h"
#include "test/test.h"

#define PAGE ((uint64_t)MACHINE_PAGE_BYTES)
#define HERE ((uint64_t)0xfeb00000)

static struct devices devices;

void refuse_to_run(const char *why)
{
    panic("%s", why);
}

/* Whether the image sees that page, as registers. */
static bool is_shown(uint64_t physical)
{
    for (size_t i = 0; i < devices.fixed_count; i++) {
        const struct machine_fixed_pages *pages = &devices.fixed[i];
        if (pages->kind == MACHINE_FIXED_REGISTERS && physical >= pages->physical &&
            physical - pages->physical < pages->length_bytes)
            return true;
    }
    return false;
}

TEST(devices_show_whole_pages_where_they_lie)
{
    devices_open(&devices);
    const size_t before = devices.fixed_count;
    expect_that(devices_show(&devices, HERE + PAGE - 16, 32), ==, HERE + PAGE - 16);
    expect_that(devices.fixed_count, ==, before + 1);
    expect(is_shown(HERE) && is_shown(HERE + PAGE));
    expect(!is_shown(HERE - PAGE) && !is_shown(HERE + 2 * PAGE));
}

TEST(devices_join_what_is_near)
{
    devices_open(&devices);
    const size_t before = devices.fixed_count;
    expect(devices_show(&devices, HERE, 64) != 0);
    expect(devices_show(&devices, HERE + 20 * PAGE, 64) != 0);
    expect_that(devices.fixed_count, ==, before + 2);
    expect(devices_show(&devices, HERE + 10 * PAGE, 64) != 0); /* too far from both */
    expect_that(devices.fixed_count, ==, before + 3);
    expect(devices_show(&devices, HERE + 5 * PAGE, 64) != 0); /* near to two of them */
    expect(devices_show(&devices, HERE + 15 * PAGE, 64) != 0);
    expect_that(devices.fixed_count, ==, before + 1);
    expect(is_shown(HERE) && is_shown(HERE + 20 * PAGE) && !is_shown(HERE + 21 * PAGE));
}

TEST(devices_show_no_more_than_registers)
{
    devices_open(&devices);
    const size_t before = devices.fixed_count;
    expect_that(devices_show(&devices, HERE, 0), ==, 0);
    expect_that(devices_show(&devices, HERE, 64 * KIB + 1), ==, 0);
    expect_that(devices_show(&devices, 3 * GIB - 4, 8), ==, 0); /* memory may lie there */
    expect_that(devices_show(&devices, PLACE_CODE, 64), ==, 0);
    expect_that(devices_show(&devices, LAPIC, 64), ==, 0);
    expect_that(devices_show(&devices, UINT64_MAX - 8, 64), ==, 0);
    expect_that(devices.fixed_count, ==, before);
}

/* What is near to registers, too, and to be joined to them before that is seen. */
TEST(devices_near_the_local_apic_take_nothing_away)
{
    devices_open(&devices);
    expect(devices_show(&devices, LAPIC - 16 * PAGE, 64) != 0);
    const size_t before = devices.fixed_count;
    expect_that(devices_show(&devices, LAPIC - 8 * PAGE, 64), ==, 0);
    expect_that(devices.fixed_count, ==, before);
    expect(is_shown(LAPIC - 16 * PAGE) && !is_shown(LAPIC - 8 * PAGE));
}

TEST(devices_show_so_many_runs_and_no_more)
{
    devices_open(&devices);
    for (uint64_t i = 0; devices.fixed_count < MACHINE_FIXED_MAX; i++)
        expect(devices_show(&devices, HERE + 16 * i * PAGE, 64) != 0);
    expect_that(devices_show(&devices, 0xd0000000, 64), ==, 0);
    expect(devices_show(&devices, HERE + PAGE, 64) != 0); /* near to one that is there */
    expect_that(devices.fixed_count, ==, MACHINE_FIXED_MAX);
}

TEST(devices_are_listed_as_far_as_there_is_room)
{
    devices_open(&devices);
    for (size_t i = 0; i < MACHINE_DEVICES_MAX; i++)
        expect(devices_add(&devices, MACHINE_BLOCK, MACHINE_PCI) != NULL);
    expect(devices_add(&devices, MACHINE_NET, MACHINE_PCI) == NULL);
    expect_that(devices.count, ==, MACHINE_DEVICES_MAX);
}
