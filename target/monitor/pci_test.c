/* pci_test.c - buses that are made here: as QEMU's machines and Cloud Hypervisor have them, with
 * firmware and without, and hostile ones.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/pci.h"

#include <string.h>

#include "base/units.h"
#include "target/machine/machine.h"
#include "test/test.h"

#define FUNCTIONS_MAX 40
#define WORDS         64

/* A function: what it reads as, and of each BAR's word the bits that can be written. */
struct function_double {
    uint32_t number;
    uint32_t words[WORDS];
    uint32_t masks[6];
};

static struct {
    struct function_double functions[FUNCTIONS_MAX];
    size_t count;
    size_t reads, writes;
} bus;

static struct pci_window window;
static struct pci_device found[4];

static struct function_double *function_at(uint32_t number)
{
    for (size_t i = 0; i < bus.count; i++)
        if (bus.functions[i].number == number) return &bus.functions[i];
    return NULL;
}

static uint32_t double_read(const struct pci_space *space, uint32_t number, uint32_t offset)
{
    expect(space->registers == 1 && number < 65536 && offset % 4 == 0 && offset < 256);
    bus.reads++;
    struct function_double *function = function_at(number);
    return function == NULL ? UINT32_MAX : function->words[offset / 4];
}

static void double_write(const struct pci_space *space, uint32_t number, uint32_t offset,
                         uint32_t value)
{
    expect(space->registers == 1 && offset % 4 == 0 && offset < 256);
    bus.writes++;
    struct function_double *function = function_at(number);
    expect(function != NULL);
    uint32_t *word = &function->words[offset / 4];
    if (offset >= 0x10 && offset < 0x28) {
        /* PCI Local Bus 3.0, 6.2.5.1: nothing is decoded while a size is asked for. */
        expect((function->words[1] & 3) == 0);
        const uint32_t mask = function->masks[(offset - 0x10) / 4];
        *word = (value & mask) | (*word & ~mask);
        return;
    }
    *word = offset == 4 ? (*word & 0xffff0000) | (value & 0xffff) : value;
}

static const struct pci_space space = { double_read, double_write, 1 };

static struct function_double *add_function(uint32_t number, uint32_t id)
{
    struct function_double *function = &bus.functions[bus.count++];
    *function = (struct function_double){ .number = number };
    function->words[0] = id;
    return function;
}

static void open_bus(void)
{
    memset(&bus, 0, sizeof bus);
    window = (struct pci_window){ 0xc0000000, 0xfe000000 };
    (void)add_function(0, 0x29c08086); /* q35's host bridge */
}

/* virtio 1.2, 4.1.4: vendor, next, length, type; BAR; offset; length. */
static void put_own(struct function_double *function, uint32_t place, uint32_t next, uint32_t type,
                    uint32_t bar, uint32_t offset, uint32_t length_bytes)
{
    uint32_t *words = &function->words[place / 4];
    words[0] = 9 | next << 8 | (type == 2 ? 20u : 16u) << 16 | type << 24;
    words[1] = bar;
    words[2] = offset;
    words[3] = length_bytes;
}

/* QEMU's hw/virtio/virtio-pci.c: MSI-X in BAR 1, all else in BAR 4, of 64 bits. */
static struct function_double *add_qemu(uint32_t number, uint32_t id, uint32_t subsystem,
                                        uint64_t bar)
{
    struct function_double *function = add_function(number, id);
    function->words[1] = 0x00100000;
    function->words[11] = subsystem << 16 | 0x1af4;
    function->words[13] = 0x98;
    function->words[4] = 0xc001; /* ports */
    function->masks[0] = 0xffffffc0;
    function->words[5] = bar == 0 ? 0 : 0xfebf0000;
    function->masks[1] = 0xfffff000;
    function->words[8] = (uint32_t)bar | 0xc;
    function->words[9] = (uint32_t)(bar >> 32);
    function->masks[4] = 0xffffc000;
    function->masks[5] = 0xffffffff;
    function->words[0x98 / 4] = 0x11 | 0x84 << 8 | 3 << 16;
    function->words[0x98 / 4 + 1] = 1;
    put_own(function, 0x84, 0x70, 5, 0, 0, 0);
    put_own(function, 0x70, 0x60, 2, 4, 0x3000, 0x1000);
    function->words[0x80 / 4] = 4;
    put_own(function, 0x60, 0x50, 4, 4, 0x2000, 0x1000);
    put_own(function, 0x50, 0x40, 3, 4, 0x1000, 0x1000);
    put_own(function, 0x40, 0, 1, 4, 0, 0x1000);
    return function;
}

static size_t find(void)
{
    return pci_find(&space, &window, found, LENGTH_OF(found));
}

TEST(pci_finds_what_firmware_has_placed)
{
    open_bus();
    struct function_double *net = add_qemu(2 << 3, 0x10001af4, 1, 0xfe000000);
    (void)add_qemu(3 << 3, 0x10421af4, 0, 0x200000000);
    (void)add_function(31 << 3, 0x29188086);
    expect_that(find(), ==, 2);
    expect_that(found[0].kind, ==, MACHINE_NET);
    expect_that(found[0].function, ==, 2 << 3);
    expect_that(found[0].common.address, ==, 0xfe000000);
    expect_that(found[0].common.length_bytes, ==, 0x1000);
    expect_that(found[0].device.address, ==, 0xfe002000);
    expect_that(found[0].notify.address, ==, 0xfe003000);
    expect_that(found[0].notify_multiplier, ==, 4);
    expect_that(found[0].msix_table, ==, 0xfebf0000);
    expect_that(found[1].kind, ==, MACHINE_BLOCK);
    expect_that(found[1].common.address, ==, 0x200000000);
    expect_that(window.start, ==, 0xc0000000);
    /* It stays where it was, decodes memory, masters the bus, and raises no line. */
    expect_that(net->words[8], ==, 0xfe00000c);
    expect_that(net->words[1] & 0xffff, ==, 0x406);
    pci_enable_msix(&space, &found[0]);
    expect_that(net->words[0x98 / 4], ==, 0x80000000 | 3 << 16 | 0x84 << 8 | 0x11);
    net->words[0x98 / 4] |= 0x40000000; /* masked, for all entries */
    pci_enable_msix(&space, &found[0]);
    expect_that(net->words[0x98 / 4] >> 30, ==, 2);
}

/* 4.1.2: 0x1040 and the kind; of older numbers the subsystem says it. */
TEST(pci_knows_the_kinds)
{
    static const struct {
        uint32_t id, subsystem;
        uint8_t kind; /* 0: not ours */
    } rows[] = { { 0x10411af4, 9, MACHINE_NET },
                 { 0x10421af4, 9, MACHINE_BLOCK },
                 { 0x10431af4, 9, MACHINE_CONSOLE },
                 { 0x10441af4, 9, MACHINE_ENTROPY },
                 { 0x10051af4, 4, MACHINE_ENTROPY },
                 { 0x10001af4, 1, MACHINE_NET },
                 { 0x10001af4, 5, 0 },
                 { 0x10401af4, 1, 0 },
                 { 0x10451af4, 1, 0 },
                 { 0x10421af5, 1, 0 },
                 { 0x0fff1af4, 1, 0 },
                 { 0x10481af4, 1, 0 } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        open_bus();
        (void)add_qemu(8, rows[i].id, rows[i].subsystem, 0xfe000000);
        expect_that(find(), ==, rows[i].kind == 0 ? 0 : 1);
        if (rows[i].kind != 0) expect_that(found[0].kind, ==, rows[i].kind);
    }
}

/* QEMU's microvm with a bus, and its q35 without firmware. */
TEST(pci_gives_places_where_no_firmware_has)
{
    open_bus();
    (void)add_qemu(1 << 3, 0x10411af4, 1, 0);
    struct function_double *last = add_qemu(2 << 3, 0x10421af4, 2, 0);
    expect_that(find(), ==, 2);
    for (size_t i = 0; i < 2; i++) {
        expect_that(found[i].common.address % 0x4000, ==, 0);
        expect_that(found[i].notify.address, ==, found[i].common.address + 0x3000);
        expect_that(found[i].msix_table % 0x1000, ==, 0);
        expect_that(found[i].msix_table, >=, 0xc0000000);
        expect_that(found[i].common.address + 0x4000, <=, window.start);
    }
    expect_that(found[1].common.address, >=, found[0].common.address + 0x4000);
    expect_that(last->words[8], ==, found[1].common.address | 0xc);
    expect_that(last->words[9], ==, 0);
    /* No room: it is left alone. */
    open_bus();
    window = (struct pci_window){ 0xc0000000, 0xc0003000 };
    struct function_double *device = add_qemu(1 << 3, 0x10411af4, 1, 0);
    device->words[1] |= 4;
    expect_that(find(), ==, 0);
    expect_that(device->words[1] & 0xffff, ==, 4);
}

/* virtio-devices/src/transport/pci_device.rs: one BAR of 64 bits, 512 KiB, above all memory. */
TEST(pci_finds_what_cloud_hypervisor_has)
{
    open_bus();
    struct function_double *function = add_function(1 << 3, 0x10411af4);
    function->words[1] = 0x00100006;
    function->words[4] = 0xfff00004;
    function->words[5] = 0x3f;
    function->masks[0] = 0xfff80000;
    function->masks[1] = 0xffffffff;
    function->words[13] = 0x40;
    put_own(function, 0x40, 0x50, 1, 0, 0, 56);
    put_own(function, 0x50, 0x60, 3, 0, 0x2000, 1);
    put_own(function, 0x60, 0x70, 4, 0, 0x4000, 0x1000);
    put_own(function, 0x70, 0x84, 2, 0, 0x6000, 0x1000);
    function->words[0x80 / 4] = 4;
    put_own(function, 0x84, 0x98, 5, 0, 0, 0);
    function->words[0x98 / 4] = 0x11 | 1 << 16;
    function->words[0x98 / 4 + 1] = 0x8000;
    expect_that(find(), ==, 1);
    expect_that(found[0].common.address, ==, 0x3ffff00000);
    expect_that(found[0].device.address, ==, 0x3ffff04000);
    expect_that(found[0].notify.address, ==, 0x3ffff06000);
    expect_that(found[0].msix_table, ==, 0x3ffff08000);
    expect(function->words[4] == 0xfff00004 && function->words[5] == 0x3f);
}

TEST(pci_goes_without_what_need_not_be_there)
{
    open_bus();
    struct function_double *function = add_qemu(8, 0x10441af4, 4, 0xfe000000);
    function->words[13] = 0x84;         /* no MSI-X */
    function->words[0x60 / 4] = 0x5009; /* no configuration of its own: too short to be one */
    expect_that(find(), ==, 1);
    expect_that(found[0].msix_table, ==, 0);
    expect_that(found[0].device.length_bytes, ==, 0);
}

/* ---- bridges ---- */

static void add_bridge(uint32_t number, uint32_t secondary)
{
    struct function_double *bridge = add_function(number, 0x000c1b36);
    bridge->words[3] = 1 << 16;
    bridge->words[6] = secondary << 8;
}

TEST(pci_looks_behind_bridges_that_firmware_has_numbered)
{
    open_bus();
    add_bridge(1 << 3, 1);
    add_bridge(1 << 8 | 2 << 3, 7);
    (void)add_qemu(1 << 8, 0x10411af4, 1, 0xfd000000);
    (void)add_qemu(7 << 8 | 31 << 3, 0x10421af4, 1, 0xfc000000);
    add_bridge(2 << 3, 0); /* nobody has */
    expect_that(find(), ==, 2);
    expect_that(found[0].function, ==, 1 << 8);
    expect_that(found[1].function, ==, 7 << 8 | 31 << 3);
}

/* Buses that lead in a circle, and more of them than are searched. */
TEST(pci_searches_each_bus_once_and_not_all)
{
    open_bus();
    for (uint32_t i = 1; i < 32; i++)
        add_bridge((i < 4 ? 0 : 1 << 8) | i << 3, i < 4 ? 1 : i % 8 + 1);
    expect_that(find(), ==, 0);
    open_bus();
    for (uint32_t i = 1; i < 32; i++)
        add_bridge(i << 3, i);
    (void)add_qemu((uint32_t)(PCI_BUSES_MAX - 1) << 8, 0x10411af4, 1, 0xfd000000);
    (void)add_qemu((uint32_t)PCI_BUSES_MAX << 8, 0x10411af4, 1, 0xfc000000);
    expect_that(find(), ==, 1);
    expect_that(bus.reads, <, PCI_BUSES_MAX * 32 * 3 + 100);
}

/* Functions but the first are looked for where the first says that there are some (6.2.1). */
TEST(pci_looks_at_further_functions)
{
    open_bus();
    (void)add_qemu(1 << 3, 0x10411af4, 1, 0xfe000000);
    (void)add_qemu(1 << 3 | 5, 0x10421af4, 1, 0xfd000000);
    expect_that(find(), ==, 1);
    bus.functions[1].words[3] |= 1 << 23;
    expect_that(find(), ==, 2);
    expect_that(found[1].function, ==, (1 << 3 | 5));
}

TEST(pci_leaves_alone_what_finds_no_room)
{
    open_bus();
    for (uint32_t i = 1; i < 32; i++)
        (void)add_qemu(i << 3, 0x10421af4, 1, 0xd0000000 + i * 0x4000);
    expect_that(find(), ==, LENGTH_OF(found));
    expect_that(bus.functions[5].words[1] & 0xffff, ==, 0);
}

/* ---- hostile devices ---- */

/* Whether a place lies in one of the function's BARs of memory, as long as that is. */
static bool lies_in_a_bar(const struct function_double *function, const struct pci_place *place)
{
    for (size_t i = 0; i < 6; i++) {
        uint64_t base = function->words[4 + i] & ~15u, mask = function->masks[i] & ~15u;
        if ((function->words[4 + i] & 1) != 0) continue;
        if ((function->words[4 + i] & 6) == 4 && i < 5) {
            base |= (uint64_t)function->words[5 + i] << 32;
            mask |= (uint64_t)function->masks[i + 1] << 32;
        }
        const uint64_t offset = place->address - base, size = mask & (0 - mask);
        if (place->address >= base && offset < size && place->length_bytes <= size - offset)
            return true;
    }
    return false;
}

static void expect_places_in_bars(const struct function_double *function)
{
    expect(lies_in_a_bar(function, &found[0].common));
    expect(lies_in_a_bar(function, &found[0].notify));
    expect(found[0].device.length_bytes == 0 || lies_in_a_bar(function, &found[0].device));
    const struct pci_place table = { found[0].msix_table, 16 };
    expect(table.address == 0 || lies_in_a_bar(function, &table));
}

/* Of a device with one word changed: whether it is still one. What is found lies in its BARs. */
static bool is_found_with(uint32_t place, uint32_t value)
{
    open_bus();
    struct function_double *function = add_qemu(8, 0x10411af4, 1, 0xfe000000);
    function->words[place / 4] = value;
    if (find() == 0) return false;
    expect_places_in_bars(function);
    return true;
}

/* The common configuration's capability is at 0x40: BAR, offset, length. */
TEST(pci_believes_no_place_outside_of_its_bar)
{
    expect(is_found_with(0x48, 0x3000));
    expect(!is_found_with(0x48, 0x3004));
    expect(!is_found_with(0x48, 0x4000));
    expect(!is_found_with(0x48, UINT32_MAX - 3));
    expect(!is_found_with(0x48, 2));
    expect(is_found_with(0x4c, 0x4000));
    expect(!is_found_with(0x4c, 0x4001));
    expect(!is_found_with(0x4c, UINT32_MAX));
    expect(!is_found_with(0x4c, 0));
    expect(is_found_with(0x4c, 56));
    expect(!is_found_with(0x4c, 55));
    expect(!is_found_with(0x44, 0)); /* ports */
    expect(!is_found_with(0x44, 2)); /* none */
    expect(!is_found_with(0x44, 5)); /* the upper half of another */
    expect(!is_found_with(0x44, 6));
    expect(!is_found_with(0x44, 255));
    expect(!is_found_with(0x78, 0x4000)); /* the notifications' */
    expect(!is_found_with(0x7c, 0));
    expect(!is_found_with(0x70, 9 | 0x60 << 8 | 16u << 16 | 2u << 24)); /* without a multiplier */
    expect(!is_found_with(4, 0));                                       /* no list */
}

/* 4.1.4.1: the first of two that makes sense. */
TEST(pci_takes_the_first_place_that_can_be)
{
    open_bus();
    struct function_double *function = add_qemu(8, 0x10411af4, 1, 0xfe000000);
    function->words[13] = 0xa8;
    put_own(function, 0xa8, 0xb8, 1, 4, 0x8000, 56);
    put_own(function, 0xb8, 0xc8, 1, 4, 0x100, 64);
    put_own(function, 0xc8, 0x98, 1, 4, 0x200, 64);
    expect_that(find(), ==, 1);
    expect_that(found[0].common.address, ==, 0xfe000100);
}

/* 6.2.5.1: the second word of a BAR of 64 bits is none by itself. To take it for one would move the
 * first. */
TEST(pci_takes_no_upper_half_for_a_bar)
{
    open_bus();
    struct function_double *function = add_qemu(8, 0x10411af4, 1, 0xfe000000);
    function->masks[5] = 0xfffff000;
    put_own(function, 0x70, 0x60, 2, 5, 0, 0x1000);
    expect_that(find(), ==, 0);
    expect(function->words[8] == 0xfe00000c && function->words[9] == 0);
}

/* What was written to a BAR is not where it is, if it reads otherwise. */
TEST(pci_uses_no_bar_that_does_not_move)
{
    open_bus();
    struct function_double *function = add_qemu(8, 0x10411af4, 1, 0);
    function->words[9] = 0x10; /* stays, since no bit of it can be written */
    function->words[8] = 0xc;
    function->masks[5] = 0xffffffe0;
    (void)find();
    expect(found[0].common.length_bytes == 0 || lies_in_a_bar(function, &found[0].common));
    open_bus();
    function = add_qemu(8, 0x10411af4, 1, 0);
    function->masks[4] = 0x7fffc000; /* of the address that it is given, one bit is not kept */
    expect_that(find(), ==, 0);
}

TEST(pci_reads_a_list_that_does_not_end_to_its_bound)
{
    expect(is_found_with(0x40, 9 | 0x98 << 8 | 16u << 16 | 1u << 24));
    expect(!is_found_with(0x98, 0x9811));
    expect(bus.reads < 1000);
    expect(is_found_with(0x98, 0x8411));     /* an empty table */
    expect(is_found_with(0x9c, 0xfffff001)); /* it lies outside */
    expect_that(found[0].msix_table, ==, 0);
    expect(!is_found_with(0x34, 0xff));
    expect(!is_found_with(0x34, 0x3c));
}

/* Any word may be anything: the search ends, and asserts of the double hold. */
TEST(pci_survives_any_word)
{
    static const uint32_t values[] = { 0, 1, 0xff, 0x7fffffff, 0x80000000, UINT32_MAX, 0xfffffff4 };
    for (uint32_t place = 0; place < 256; place += 4)
        for (size_t i = 0; i < LENGTH_OF(values); i++)
            if (place != 4) (void)is_found_with(place, values[i]);
    for (uint32_t i = 0; i < 6; i++) {
        open_bus();
        struct function_double *function = add_qemu(8, 0x10411af4, 1, 0);
        function->masks[4] = i % 2 == 0 ? UINT32_MAX : 0;
        function->masks[5] = i < 2 ? 0 : i < 4 ? UINT32_MAX : 1;
        function->masks[1] = i < 3 ? UINT32_MAX : 0x80000000;
        if (find() > 0) expect_places_in_bars(function);
    }
}
