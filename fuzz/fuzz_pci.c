/* fuzz_pci.c - a bus of hostile devices: the input is the configuration space of four functions,
 * 256 bytes each, with the bits of its BARs that can be written in front, and where they are. The
 * search ends, and each place that is found lies within a BAR as the device has it.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "target/machine/machine.h"
#include "target/monitor/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define FUNCTIONS  4
#define WORDS      64
#define BARS       6
#define ACCESS_MAX (PCI_BUSES_MAX * 256 * 3 + FUNCTIONS * 1000)

static struct {
    struct hostile {
        uint32_t number, masks[BARS], words[WORDS];
    } functions[FUNCTIONS];
    size_t accesses;
} bus;

static struct hostile *function_at(uint32_t number)
{
    bus.accesses++;
    assert_that(bus.accesses, <, ACCESS_MAX);
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (bus.functions[i].number == number) return &bus.functions[i];
    return NULL;
}

static uint32_t hostile_read(const struct pci_space *space, uint32_t number, uint32_t offset)
{
    (void)space;
    assert(offset % 4 == 0 && offset < WORDS * 4);
    const struct hostile *function = function_at(number);
    return function == NULL ? UINT32_MAX : function->words[offset / 4];
}

static void hostile_write(const struct pci_space *space, uint32_t number, uint32_t offset,
                          uint32_t value)
{
    (void)space;
    assert(offset % 4 == 0 && offset < WORDS * 4);
    struct hostile *function = function_at(number);
    assert(function != NULL);
    uint32_t mask = UINT32_MAX;
    /* What a BAR says of its type nobody can change. */
    if (offset >= 0x10 && offset < 0x28) mask = function->masks[(offset - 0x10) / 4] & ~15u;
    uint32_t *word = &function->words[offset / 4];
    *word = (value & mask) | (*word & ~mask);
}

static bool lies_in_a_bar(const struct hostile *function, struct pci_place place)
{
    for (size_t i = 0; i < BARS; i++) {
        uint64_t base = function->words[4 + i] & ~15u;
        uint64_t mask = (function->masks[i] | function->words[4 + i]) & ~15u;
        if ((function->words[4 + i] & 6) == 4 && i + 1 < BARS) {
            base |= (uint64_t)function->words[5 + i] << 32;
            mask |= (uint64_t)((function->masks[i + 1] & ~15u) | function->words[5 + i]) << 32;
        }
        const uint64_t offset = place.address - base, size = mask & (0 - mask);
        if (offset < size && place.length_bytes <= size - offset) return true;
    }
    return false;
}

static void check(const struct pci_device *device)
{
    const struct hostile *function = function_at(device->function);
    assert(function != NULL && device->kind >= MACHINE_NET && device->kind <= MACHINE_ENTROPY);
    assert_that(device->common.length_bytes, >=, MACHINE_PCI_COMMON_BYTES);
    assert(lies_in_a_bar(function, device->common) && lies_in_a_bar(function, device->notify));
    assert(device->device.length_bytes == 0 || lies_in_a_bar(function, device->device));
    assert(device->msix_table == 0 ||
           lies_in_a_bar(function, (struct pci_place){ device->msix_table, 16 }));
}

static void fill(struct view input)
{
    struct cursor cursor = cursor_over(input);
    span_fill(SPAN_OF(bus), 0xff);
    bus.accesses = 0;
    for (size_t i = 0; i < FUNCTIONS && cursor_left(&cursor) >= 2; i++) {
        struct hostile *function = &bus.functions[i];
        function->number = cursor_u16_le(&cursor);
        struct view room = cursor_take(
            &cursor, MIN(cursor_left(&cursor), sizeof function->masks + sizeof function->words));
        (void)span_copy(SPAN_OF(function->masks),
                        view_first(room, MIN(room.length_bytes, sizeof function->masks)));
        if (room.length_bytes <= sizeof function->masks) continue;
        (void)span_copy(SPAN_OF(function->words), view_from_offset(room, sizeof function->masks));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    const struct pci_space space = { hostile_read, hostile_write, 0 };
    struct pci_window window = { 0xc0000000, 0xfe000000 };
    struct pci_device found[FUNCTIONS];
    fill(view_from(bytes, length_bytes));
    const size_t count = pci_find(&space, &window, found, LENGTH_OF(found));
    assert_that(count, <=, LENGTH_OF(found));
    for (size_t i = 0; i < count; i++) {
        pci_enable_msix(&space, &found[i]);
        check(&found[i]);
    }
    return 0;
}
