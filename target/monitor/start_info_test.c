/* start_info_test.c - what PVH tells: as QEMU gives it, broken in every field; and as the sources
 * of Firecracker and Cloud Hypervisor have it, down to the devices that follow from it.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/start_info.h"

#include <string.h>

#include "base/units.h"
#include "target/monitor/acpi.h"
#include "target/monitor/words.h"
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

/* ---- monitors that are not here ---- */

static struct {
    uint8_t bytes[0x100000];
} machine;

static uint8_t room[256];
static struct told_device devices[4];

static void put(uint64_t address, struct view bytes)
{
    (void)span_copy(span_from_offset(SPAN_OF(machine), address), bytes);
}

/* Both have it there: PVH_INFO_START, MEMMAP_START and CMDLINE_START of their layout.rs. */
static void put_start(const struct start *told, const struct map_entry *entries, struct view line)
{
    memset(&machine, 0, sizeof machine);
    put(0x6000, view_from(told, sizeof *told));
    put(0x7000, view_from(entries, told->map_count * sizeof *entries));
    put(0x20000, line);
}

static struct words read_words(const struct start_info *info)
{
    struct words words = { .room = SPAN_OF(room),
                           .devices = devices,
                           .device_max = LENGTH_OF(devices) };
    expect_ok(words_read(&words, info->command_line));
    return words;
}

static void expect_words(const struct words *words, struct view wanted)
{
    expect_view(view_first(span_view(words->room), words->length_bytes), wanted);
}

/* Firecracker, src/vmm/src/arch/x86_64/{layout.rs, mod.rs: configure_64bit_boot for PVH}: 512 MiB,
 * system data from 0x9fc00 to the root pointer at 0xe0000, the space of its bus reserved below the
 * I/O APIC; two devices behind what was given as boot_args, at the start of its gap of 1 GiB. */
TEST(start_info_is_understood_as_firecracker_gives_it)
{
    static const struct start told = { .magic = 0x336ec578,
                                       .version = 1,
                                       .command_line = 0x20000,
                                       .rsdp = 0xe0000,
                                       .map = 0x7000,
                                       .map_count = 4 };
    static const struct map_entry entries[] = { { 0, 0x9fc00, 1, 0 },
                                                { 0x9fc00, 0x40400, 2, 0 },
                                                { 0xeec00000, 0x10000000, 2, 0 },
                                                { 0x100000, 0x1ff00000, 1, 0 } };
    struct start_info info;
    put_start(&told, entries,
              VIEW("--ipv4=172.16.0.2/30 pci=off root=/dev/vda rw "
                   "virtio_mmio.device=4K@0xc0001000:5 virtio_mmio.device=4K@0xc0002000:6"));
    expect_ok(start_info_read(&info, VIEW_OF(machine), 0x6000, LOADED));
    expect_that(info.memory_end, ==, 512 * MIB);
    expect_that(info.rsdp, ==, 0xe0000);
    struct words words = read_words(&info);
    expect_words(&words, VIEW("--ipv4=172.16.0.2/30\0"));
    expect_that(words.device_count, ==, 2);
    expect(devices[0].registers == 0xc0001000 && devices[0].interrupt == 5);
    expect(devices[1].registers == 0xc0002000 && devices[1].interrupt == 6);
}

/* Its gap was of 768 MiB before, which memory then ended below. */
TEST(start_info_is_understood_as_older_firecrackers_give_it)
{
    static const struct start told = {
        .magic = 0x336ec578, .version = 1, .command_line = 0x20000, .map = 0x7000, .map_count = 3
    };
    static const struct map_entry entries[] = { { 0, 0x9fc00, 1, 0 },
                                                { 0x100000, 0xcff00000, 1, 0 },
                                                { 0x100000000, 0x30000000, 1, 0 } };
    struct start_info info;
    put_start(&told, entries, VIEW("virtio_mmio.device=4K@0xd0000000:5"));
    expect_ok(start_info_read(&info, VIEW_OF(machine), 0x6000, LOADED));
    expect_that(info.memory_end, ==, 0xd0000000);
    struct words words = read_words(&info);
    expect_words(&words, VIEW(""));
    expect_that(devices[0].registers, ==, 0xd0000000);
    expect_that(info.rsdp, ==, 0);
}

/* A table of ACPI's, of which the sum is not asked for. */
static void put_table(uint64_t address, struct view signature, uint32_t length_bytes)
{
    put(address, signature);
    put(address + 4, VIEW_OF(length_bytes));
}

/* vmm/src/acpi.rs: the tables follow the root pointer, which is told; the FADT is of reduced
 * hardware with both of its registers at port 0x3c0; MCFG's first segment is at 0xe8000000. */
static void put_cloud_hypervisor_tables(void)
{
    static const uint64_t xsdt = 0xa1000, fadt = 0xa2000, mcfg = 0xa3000, dsdt = 0xa4000;
    static const uint64_t ecam = 0xe8000000, sleep = 0x3c0;
    static const uint32_t reduced = (uint32_t)1 << 20;
    static const uint8_t port[] = { 1, 8, 0, 1 }, last_bus = 255;
    uint8_t sum = 0;
    put(0xa0000, VIEW("RSD PTR \0CLOUDH\2"));
    put(0xa0018, VIEW_OF(xsdt));
    for (size_t i = 0; i < 20; i++)
        sum = (uint8_t)(sum + machine.bytes[0xa0000 + i]);
    machine.bytes[0xa0008] = (uint8_t)-sum;
    put_table(xsdt, VIEW("XSDT"), 52);
    put(xsdt + 36, VIEW_OF(fadt));
    put(xsdt + 44, VIEW_OF(mcfg));
    put_table(fadt, VIEW("FACP"), 276);
    put(fadt + 112, VIEW_OF(reduced));
    put(fadt + 140, VIEW_OF(dsdt));
    put(fadt + 244, VIEW_OF(port));
    put(fadt + 248, VIEW_OF(sleep));
    put_table(mcfg, VIEW("MCFG"), 60);
    put(mcfg + 44, VIEW_OF(ecam));
    put(mcfg + 55, VIEW_OF(last_bus));
    put_table(dsdt, VIEW("DSDT"), 36 + 10);
    put(dsdt + 36, VIEW("\x08_S5_\x12\x04\x01\x0a\x05"));
}

/* Cloud Hypervisor, arch/src/x86_64/{layout.rs, mod.rs: configure_pvh}: 512 MiB. What is on its bus
 * is in pci_test.c. */
TEST(start_info_is_understood_as_cloud_hypervisor_gives_it)
{
    static const struct start told = { .magic = 0x336ec578,
                                       .version = 1,
                                       .command_line = 0x20000,
                                       .rsdp = 0xa0000,
                                       .map = 0x7000,
                                       .map_count = 3 };
    static const struct map_entry entries[] = { { 0, 0xa0000, 1, 0 },
                                                { 0x100000, 0x1ff00000, 1, 0 },
                                                { 0xe8000000, 0x10000000, 2, 0 } };
    struct start_info info;
    struct acpi acpi;
    put_start(&told, entries, VIEW("--ipv4=192.168.249.2/24"));
    put_cloud_hypervisor_tables();
    expect_ok(start_info_read(&info, VIEW_OF(machine), 0x6000, LOADED));
    expect_that(info.memory_end, ==, 512 * MIB);
    struct words words = read_words(&info);
    expect_words(&words, VIEW("--ipv4=192.168.249.2/24\0"));
    expect_that(words.device_count, ==, 0);
    acpi_read(&acpi, VIEW_OF(machine), info.rsdp);
    expect_that(acpi.ecam, ==, 0xe8000000);
    expect(acpi.is_sleep_port);
    expect_that(acpi.sleep_control, ==, 0x3c0);
    expect_that(acpi.sleep_value, ==, 0x34);
}
