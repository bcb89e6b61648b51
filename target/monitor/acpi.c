/* acpi.c - reads ACPI's tables.
 *
 * Methods are not run: of the DSDT's code the one name is read that says which number means "off",
 * and that is looked for by its bytes.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/acpi.h"

#include "base/cursor.h"
#include "base/units.h"

/* 5.2.5.1: where firmware leaves the pointer, on a boundary of 16 bytes. */
#define AREA_START  0xe0000
#define AREA_END    0x100000
#define RSDP_STEP   16
#define RSDP_BYTES  20 /* of its first version, which are those that its first checksum is of */
#define RSDP_RSDT   16
#define RSDP_XSDT   24
#define RSDP_SECOND 36

#define HEADER_BYTES 36 /* of each table: 5.2.6 */
#define ENTRIES_MAX  64
#define TABLE_MAX    (256 * KIB)
#define MCFG_ENTRIES 44
#define MCFG_ENTRY   16
#define FADT_DSDT    40
#define FADT_PM1A    64
#define FADT_FLAGS   112
#define FADT_X_DSDT  140
#define FADT_SLEEP   244 /* a generic address: 5.2.3.2 */
#define FLAG_REDUCED ((uint32_t)1 << 20)
#define SPACE_MEMORY 0
#define SPACE_PORT   1
#define PORT_MAX     0xfffc
#define PM1_TYPE     10
#define PM1_ENABLE   0x2000
#define SLEEP_TYPE   2
#define SLEEP_ENABLE 0x20
#define SLEEP_TYPES  8 /* of three bits, both */
#define AML_PACKAGE  0x12
#define AML_BYTE     0x0a

static struct view part(struct view memory, uint64_t address, uint64_t length_bytes)
{
    if (address == 0 || address > memory.length_bytes) return (struct view){ 0 };
    if (length_bytes > memory.length_bytes - address) return (struct view){ 0 };
    return view_slice(memory, address, length_bytes);
}

/* What lies beyond the view reads as 0. */
static struct cursor at(struct view table, size_t offset_bytes)
{
    return cursor_over(view_from_offset(table, MIN(offset_bytes, table.length_bytes)));
}

static uint32_t u32_at(struct view table, size_t offset_bytes)
{
    struct cursor cursor = at(table, offset_bytes);
    return cursor_u32_le(&cursor);
}

static uint64_t u64_at(struct view table, size_t offset_bytes)
{
    struct cursor cursor = at(table, offset_bytes);
    return cursor_u64_le(&cursor);
}

/* As long as it says itself; empty: there is none. */
static struct view table_at(struct view memory, uint64_t address)
{
    uint32_t length_bytes = u32_at(part(memory, address, HEADER_BYTES), 4);
    if (length_bytes < HEADER_BYTES || length_bytes > TABLE_MAX) return (struct view){ 0 };
    return part(memory, address, length_bytes);
}

static bool is_table(struct view table, struct view signature)
{
    return view_starts_with(table, signature);
}

/* ---- the root ---- */

static bool is_root_pointer(struct view bytes)
{
    uint8_t sum = 0;
    if (!view_starts_with(bytes, VIEW("RSD PTR "))) return false;
    for (size_t i = 0; i < bytes.length_bytes; i++)
        sum = (uint8_t)(sum + view_byte(bytes, i));
    return sum == 0;
}

static uint64_t find_root_pointer(struct view memory)
{
    for (uint64_t place = AREA_START; place < AREA_END; place += RSDP_STEP)
        if (is_root_pointer(part(memory, place, RSDP_BYTES))) return place;
    return 0;
}

/* The table of tables; its entries have `*entry_bytes`. */
static struct view root_table(struct view memory, uint64_t rsdp, size_t *entry_bytes)
{
    if (rsdp == 0) rsdp = find_root_pointer(memory);
    struct view first = part(memory, rsdp, RSDP_BYTES), second = part(memory, rsdp, RSDP_SECOND);
    if (!is_root_pointer(first)) return (struct view){ 0 };
    uint64_t extended = view_byte(first, 15) < 2 ? 0 : u64_at(second, RSDP_XSDT);
    *entry_bytes = extended != 0 ? sizeof(uint64_t) : sizeof(uint32_t);
    struct view table = table_at(memory, extended != 0 ? extended : u32_at(first, RSDP_RSDT));
    if (!is_table(table, extended != 0 ? VIEW("XSDT") : VIEW("RSDT"))) return (struct view){ 0 };
    return table;
}

/* ---- switching off ---- */

/* Name (_S5_, Package () { type, ... }), 20.2.5.4: the first element, an integer of one byte. */
static bool take_sleep_type(struct view code, uint8_t *type)
{
    struct cursor cursor = cursor_over(code);
    if (cursor_u8(&cursor) != AML_PACKAGE) return false;
    cursor_skip(&cursor, cursor_u8(&cursor) >> 6); /* its length, of one to four bytes */
    uint8_t count = cursor_u8(&cursor);
    *type = cursor_u8(&cursor);
    if (*type == AML_BYTE) *type = cursor_u8(&cursor);
    return !cursor.ran_short && count > 0 && *type < SLEEP_TYPES;
}

static bool find_sleep_type(struct view dsdt, uint8_t *type)
{
    const struct view name = VIEW("_S5_");
    for (size_t i = HEADER_BYTES; i + name.length_bytes <= dsdt.length_bytes; i++) {
        struct view code = view_from_offset(dsdt, i);
        if (!view_starts_with(code, name)) continue;
        if (take_sleep_type(view_from_offset(code, name.length_bytes), type)) return true;
    }
    return false;
}

static void read_fadt(struct acpi *acpi, struct view memory, struct view fadt)
{
    uint8_t type;
    uint64_t place = u64_at(fadt, FADT_X_DSDT);
    struct view dsdt = table_at(memory, place != 0 ? place : u32_at(fadt, FADT_DSDT));
    if (!is_table(dsdt, VIEW("DSDT")) || !find_sleep_type(dsdt, &type)) return;
    acpi->sleep_value = (uint8_t)(type << SLEEP_TYPE | SLEEP_ENABLE);
    acpi->pm1_value = (uint16_t)(type << PM1_TYPE | PM1_ENABLE);
    if ((u32_at(fadt, FADT_FLAGS) & FLAG_REDUCED) == 0) {
        uint32_t port = u32_at(fadt, FADT_PM1A);
        if (port <= PORT_MAX) acpi->pm1_control = (uint16_t)port;
        return;
    }
    uint32_t space = u32_at(fadt, FADT_SLEEP) & 0xff;
    uint64_t control = u64_at(fadt, FADT_SLEEP + 4);
    if (space > SPACE_PORT || control > (space == SPACE_PORT ? PORT_MAX : UINT32_MAX)) return;
    acpi->is_sleep_port = space == SPACE_PORT;
    acpi->sleep_control = control;
}

/* ---- PCI ---- */

static void read_mcfg(struct acpi *acpi, struct view mcfg)
{
    struct cursor cursor = at(mcfg, MCFG_ENTRIES);
    while (cursor_left(&cursor) >= MCFG_ENTRY) {
        uint64_t base = cursor_u64_le(&cursor);
        uint16_t segment = cursor_u16_le(&cursor);
        uint8_t first_bus = cursor_u8(&cursor);
        cursor_skip(&cursor, 5);
        if (segment == 0 && first_bus == 0) acpi->ecam = base;
    }
}

void acpi_read(struct acpi *acpi, struct view memory, uint64_t rsdp)
{
    size_t entry_bytes = sizeof(uint32_t);
    *acpi = (struct acpi){ 0 };
    struct view root = root_table(memory, rsdp, &entry_bytes);
    struct cursor entries = at(root, HEADER_BYTES);
    for (unsigned i = 0; i < ENTRIES_MAX && cursor_left(&entries) >= entry_bytes; i++) {
        bool is_long = entry_bytes == sizeof(uint64_t);
        uint64_t place = is_long ? cursor_u64_le(&entries) : cursor_u32_le(&entries);
        struct view table = table_at(memory, place);
        if (is_table(table, VIEW("FACP"))) read_fadt(acpi, memory, table);
        if (is_table(table, VIEW("MCFG"))) read_mcfg(acpi, table);
    }
}
