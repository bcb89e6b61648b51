/* acpi_test.c - tables as QEMU's machines, Cloud Hypervisor and Firecracker have them, and broken
 * ones.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/acpi.h"

#include <string.h>

#include "base/units.h"
#include "test/test.h"

#define RSDP_AT 0xf34d0
#define ROOT_AT 0x1000
#define FADT_AT 0x2002 /* tables are aligned to nothing */
#define MCFG_AT 0x3001
#define DSDT_AT 0x4000

static struct {
    uint8_t bytes[0x100000];
} memory;

static void put(uint64_t address, struct view bytes)
{
    (void)span_copy(span_from_offset(SPAN_OF(memory), address), bytes);
}

static void put_u8(uint64_t address, uint8_t value)
{
    put(address, VIEW_OF(value));
}

static void put_u32(uint64_t address, uint32_t value)
{
    put(address, VIEW_OF(value));
}

static void put_u64(uint64_t address, uint64_t value)
{
    put(address, VIEW_OF(value));
}

static void put_header(uint64_t address, struct view signature, uint32_t length_bytes)
{
    put(address, signature);
    put_u32(address + 4, length_bytes);
}

static void put_root_pointer(uint64_t address, bool is_extended)
{
    uint8_t sum = 0;
    put(address, VIEW("RSD PTR \0BOCHS "));
    put_u8(address + 15, is_extended ? 2 : 0);
    put_u32(address + 16, is_extended ? 0 : ROOT_AT);
    put_u64(address + 24, is_extended ? ROOT_AT : 0);
    put_u8(address + 8, 0);
    for (size_t i = 0; i < 20; i++)
        sum = (uint8_t)(sum + memory.bytes[address + i]);
    put_u8(address + 8, (uint8_t)-sum);
}

/* Both tables, and the name of "off" as `name` has it. */
static void fill(bool is_extended, struct view name)
{
    memset(&memory, 0, sizeof memory);
    put_root_pointer(RSDP_AT, is_extended);
    put_header(ROOT_AT, is_extended ? VIEW("XSDT") : VIEW("RSDT"), is_extended ? 52 : 44);
    put_u32(ROOT_AT + 36, FADT_AT);
    if (is_extended)
        put_u64(ROOT_AT + 44, MCFG_AT);
    else
        put_u32(ROOT_AT + 40, MCFG_AT);
    put_header(FADT_AT, VIEW("FACP"), 276);
    put_u32(FADT_AT + 40, DSDT_AT);
    put_header(MCFG_AT, VIEW("MCFG"), 60);
    put_u64(MCFG_AT + 44, 0xe8000000);
    put_u8(MCFG_AT + 55, 255);
    put_header(DSDT_AT, VIEW("DSDT"), 36 + 3 + (uint32_t)name.length_bytes);
    put(DSDT_AT + 36 + 3, name);
}

static struct acpi read_it(uint64_t rsdp)
{
    struct acpi acpi;
    acpi_read(&acpi, VIEW_OF(memory), rsdp);
    return acpi;
}

/* As QEMU's q35 and pc tell it: PM1a_CNT at 0x604, and sleep type 0 (hw/i386/acpi-build.c). */
TEST(acpi_reads_a_pc)
{
    fill(false, VIEW("\x08_S5_\x12\x06\x04\0\0\0\0"));
    put_u32(FADT_AT + 64, 0x604);
    for (unsigned i = 0; i < 2; i++) {
        struct acpi acpi = read_it(i == 0 ? RSDP_AT : 0); /* told, and looked for */
        expect_that(acpi.pm1_control, ==, 0x604);
        expect_that(acpi.pm1_value, ==, 0x2000);
        expect_that(acpi.sleep_control, ==, 0);
        expect_that(acpi.ecam, ==, 0xe8000000);
    }
}

/* As Cloud Hypervisor tells it (vmm/src/acpi.rs): reduced hardware, a port at 0x3c0, type 5; and
 * QEMU's microvm, in memory (hw/i386/acpi-microvm.c). */
TEST(acpi_reads_a_machine_of_reduced_hardware)
{
    fill(true, VIEW("\x08_S5_\x12\x04\x01\x0a\x05"));
    put_u32(FADT_AT + 40, 0);
    put_u64(FADT_AT + 140, DSDT_AT);
    put_u32(FADT_AT + 112, (uint32_t)1 << 20);
    put_u8(FADT_AT + 244, 1);
    put_u64(FADT_AT + 248, 0x3c0);
    put_root_pointer(0xa0000, true);
    struct acpi acpi = read_it(0xa0000);
    expect(acpi.is_sleep_port);
    expect_that(acpi.sleep_control, ==, 0x3c0);
    expect_that(acpi.sleep_value, ==, 0x34);
    expect_that(acpi.pm1_control, ==, 0);
    put_u8(FADT_AT + 244, 0);
    put_u64(FADT_AT + 248, 0xfea00200);
    acpi = read_it(0);
    expect(!acpi.is_sleep_port);
    expect_that(acpi.sleep_control, ==, 0xfea00200);
    put_u8(FADT_AT + 244, 2); /* in configuration space */
    expect_that(read_it(0).sleep_control, ==, 0);
    put_u8(FADT_AT + 244, 1);
    put_u64(FADT_AT + 248, 0x10000); /* no port has so high a number */
    expect_that(read_it(0).sleep_control, ==, 0);
    put_u8(FADT_AT + 244, 0);
    put_u64(FADT_AT + 248, 0x100000000); /* more than the set-up sees */
    expect_that(read_it(0).sleep_control, ==, 0);
}

static void expect_nothing(uint64_t rsdp)
{
    struct acpi acpi = read_it(rsdp);
    expect(acpi.ecam == 0 && acpi.pm1_control == 0 && acpi.sleep_control == 0);
}

TEST(acpi_finds_nothing_where_there_is_nothing)
{
    memset(&memory, 0, sizeof memory);
    expect_nothing(0);
    expect_nothing(RSDP_AT);
    expect_nothing(UINT64_MAX);
    expect_nothing(sizeof memory - 8);
    fill(false, VIEW("\x08_S5_\x12\x06\x04\0\0\0\0"));
    put_u8(RSDP_AT + 9, 1); /* the sum is wrong */
    expect_nothing(RSDP_AT);
    expect_nothing(0);
    fill(true, VIEW(""));
    put(ROOT_AT, VIEW("RSDT"));
    expect_nothing(0);
}

/* 20.2.4 and 20.2.5.4: lengths of one to four bytes; ZeroOp, OneOp, or a byte behind its prefix. */
TEST(acpi_reads_the_type_of_sleep)
{
    static const struct {
        struct view name;
        uint16_t value; /* of PM1a_CNT; 0: it is not understood */
    } rows[] = {
        { VIEW_ROW("\x08_S5_\x12\x03\x01\x01"), 0x2400 },
        { VIEW_ROW("\x08_S5_\x12\x40\x06\x04\x0a\x07\0\0"), 0x3c00 },
        { VIEW_ROW("\x08_S5_\x12\xc0\x06\0\0\x04\x0a\x07\0\0"), 0x3c00 },
        { VIEW_ROW("_S5_S5_\x08_S5_\x12\x04\x01\x0a\x05"), 0x3400 },
        { VIEW_ROW("\x08_S5_\x12\x04\x01\x0a\x08"), 0 }, /* of three bits */
        { VIEW_ROW("\x08_S5_\x12\x04\x01\xff"), 0 },
        { VIEW_ROW("\x08_S5_\x12\x02\0\0"), 0 },
        { VIEW_ROW("\x08_S5_\x11\x04\x01\x0a\x05"), 0 },
        { VIEW_ROW("\x08_S5_\x12\x04\x01\x0a"), 0 }, /* the table ends */
        { VIEW_ROW("\x08_S5_\x12\x04\x01"), 0 },
        { VIEW_ROW("\x08_S5_\x12\xc0\x06"), 0 },
        { VIEW_ROW("\x08_S5_"), 0 },
        { VIEW_ROW("\x08_S5"), 0 },
        { VIEW_ROW(""), 0 },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        fill(false, rows[i].name);
        put_u32(FADT_AT + 64, 0x604);
        struct acpi acpi = read_it(0);
        expect_that(acpi.pm1_control, ==, rows[i].value == 0 ? 0 : 0x604);
        if (rows[i].value != 0) expect_that(acpi.pm1_value, ==, rows[i].value);
    }
}

/* PCI Firmware 3.0, 4.1.2: the space of another segment, or of higher buses, is not what is sought.
 */
TEST(acpi_reads_the_space_of_the_first_bus)
{
    fill(false, VIEW(""));
    put_u32(MCFG_AT + 4, 76);
    put_u8(MCFG_AT + 52, 1);
    put_u64(MCFG_AT + 60, 0xb0000000);
    expect_that(read_it(0).ecam, ==, 0xb0000000);
    put_u8(MCFG_AT + 70, 8);
    expect_that(read_it(0).ecam, ==, 0);
}

/* Wherever memory or a table ends, nothing is read behind it. */
TEST(acpi_reads_nothing_beyond_memory)
{
    fill(false, VIEW("\x08_S5_\x12\x06\x04\0\0\0\0"));
    put_root_pointer(0x800, false);
    static const size_t ends[] = { 0x7ff,  0x801,  0x813,  0x814,  0x815,  0x824,  0x1001, 0x1020,
                                   0x102b, 0x2006, 0x2024, 0x2115, 0x2116, 0x3025, 0x303c, 0x3fff,
                                   0x4024, 0x4028, 0x402b, 0x402c, 0x402d, 0x402e, 0x4030, 0x4040 };
    for (size_t i = 0; i < LENGTH_OF(ends); i++) {
        struct acpi acpi;
        acpi_read(&acpi, test_guarded(view_first(VIEW_OF(memory), ends[i])), 0x800);
    }
    static const uint64_t tables[] = { ROOT_AT, FADT_AT, MCFG_AT, DSDT_AT };
    static const uint32_t lengths[] = { 0, 4, 35, 36, 37, 44, 45, 60, 100, 1 << 18, UINT32_MAX };
    for (size_t i = 0; i < LENGTH_OF(tables) * LENGTH_OF(lengths); i++) {
        fill(false, VIEW("\x08_S5_\x12\x06\x04\0\0\0\0"));
        put_u32(tables[i % LENGTH_OF(tables)] + 4, lengths[i / LENGTH_OF(tables)]);
        (void)read_it(0);
    }
}
