/* pci.c - searches a PCI bus for virtio's devices.
 *
 * Each access may leave the machine, so no more is read than has to be. What a device says about
 * itself is checked against the BARs that it really has; all lists are bounded.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/pci.h"

#include "base/units.h"
#include "target/machine/machine.h"

/* PCI Local Bus 3.0, 6.1 and, of bridges, PCI-to-PCI Bridge 1.2, 3.2. */
#define ID              0x00
#define COMMAND         0x04
#define HEADER          0x0c
#define BARS            0x10
#define BUSES           0x18
#define SUBSYSTEM       0x2c
#define CAPABILITIES    0x34
#define NONE            0xffffu
#define COMMAND_PORTS   1u
#define COMMAND_MEMORY  2u
#define COMMAND_MASTER  4u
#define COMMAND_NO_INTX 0x400u
#define HAS_LIST        (1u << 20)
#define MANY_FUNCTIONS  (1u << 23)
#define TYPE_OF(header) ((header) >> 16 & 0x7f)
#define TYPE_BRIDGE     1
#define BAR_PORT        1u
#define BAR_TYPE        6u
#define BAR_64          4u
#define BAR_FLAGS       15u
#define BAR_COUNT       6

#define CAPABILITY_FIRST 0x40
#define CAPABILITIES_MAX 48 /* as many as there is room for */
#define CAPABILITY_OWN   0x09
#define CAPABILITY_MSIX  0x11
#define MSIX_ENABLE      0x80000000u
#define MSIX_MASK        0x40000000u
#define MSIX_ENTRY_BYTES 16
#define OWN_BYTES        16 /* virtio 1.2, 4.1.4 */
#define OWN_NOTIFY_BYTES 20

/* virtio 1.2, 4.1.2. Those that older drivers know as well tell their kind by the subsystem. */
#define VENDOR            0x1af4
#define MODERN            0x1040
#define TRANSITIONAL      0x1000
#define TRANSITIONAL_LAST 0x103f

/* 4.1.4. */
enum structure { COMMON = 1, NOTIFY = 2, DEVICE = 4 };

struct bar {
    bool is_known;
    uint64_t address, size_bytes; /* size 0: there is none in memory */
};

struct search {
    const struct pci_space *space;
    struct pci_window *window;
    struct bar bars[BAR_COUNT];
    struct pci_device *device;
};

static uint32_t get(const struct search *search, uint32_t offset)
{
    return search->space->read(search->space, search->device->function, offset);
}

static void set(const struct search *search, uint32_t offset, uint32_t value)
{
    search->space->write(search->space, search->device->function, offset, value);
}

/* ---- BARs ---- */

/* Naturally aligned, as they must be, and in pages of their own. 0: no room. */
static uint64_t take_address(struct pci_window *window, uint64_t size_bytes)
{
    const uint64_t size = MAX(size_bytes, (uint64_t)MACHINE_PAGE_BYTES);
    if (size > window->end) return 0;
    uint64_t start = (window->start + size - 1) & ~(size - 1);
    if (start > window->end - size) return 0;
    window->start = start + size;
    return start;
}

/* 6.2.5.1: the bits that stay 0 when ones are written tell the size. */
static uint64_t ask_size(const struct search *search, uint32_t offset, uint64_t value, bool is_64)
{
    set(search, offset, UINT32_MAX);
    uint64_t mask = get(search, offset) & ~BAR_FLAGS;
    set(search, offset, (uint32_t)value);
    if (is_64) {
        set(search, offset + 4, UINT32_MAX);
        mask |= (uint64_t)get(search, offset + 4) << 32;
        set(search, offset + 4, (uint32_t)(value >> 32));
    }
    return mask & (0 - mask);
}

static bool is_wide(uint64_t value)
{
    return (value & (BAR_PORT | BAR_TYPE)) == BAR_64;
}

/* Not the upper half of another, which would move that one. */
static bool is_a_bar(const struct search *search, unsigned index)
{
    unsigned at = 0;
    while (at < index)
        at += is_wide(get(search, BARS + 4 * at)) ? 2 : 1;
    return at == index;
}

static uint64_t value_of(const struct search *search, uint32_t offset, bool is_64)
{
    uint64_t value = get(search, offset);
    return is_64 ? value | (uint64_t)get(search, offset + 4) << 32 : value;
}

static struct bar read_bar(struct search *search, unsigned index)
{
    const uint32_t offset = BARS + 4 * index;
    struct bar bar = { .is_known = true };
    if (!is_a_bar(search, index)) return bar;
    uint64_t value = get(search, offset);
    const bool is_64 = is_wide(value);
    if ((value & BAR_PORT) != 0 || (is_64 && index == BAR_COUNT - 1)) return bar;
    if (is_64) value = value_of(search, offset, true);
    bar.size_bytes = ask_size(search, offset, value, is_64);
    bar.address = value & ~(uint64_t)BAR_FLAGS;
    if (bar.size_bytes == 0 || bar.address != 0) return bar;
    bar.address = take_address(search->window, bar.size_bytes);
    set(search, offset, (uint32_t)bar.address);
    if (is_64) set(search, offset + 4, (uint32_t)(bar.address >> 32));
    /* What has not moved there stays unused. */
    value = value_of(search, offset, is_64);
    if ((value & ~(uint64_t)BAR_FLAGS) != bar.address) bar.address = 0;
    return bar;
}

/* `*place` becomes what lies so in a BAR. False: nothing does. */
static bool place_in(struct search *search, uint32_t index, uint32_t offset, uint32_t length_bytes,
                     struct pci_place *place)
{
    if (index >= BAR_COUNT || length_bytes == 0) return false;
    if (!search->bars[index].is_known) search->bars[index] = read_bar(search, index);
    const struct bar *bar = &search->bars[index];
    if (bar->address == 0 || bar->address > UINT64_MAX - bar->size_bytes) return false;
    if (offset > bar->size_bytes || length_bytes > bar->size_bytes - offset) return false;
    *place = (struct pci_place){ bar->address + offset, length_bytes };
    return true;
}

/* ---- capabilities ---- */

/* Of each kind the first counts that makes sense (4.1.4.1). */
static void take_own(struct search *search, uint32_t capability, uint32_t head)
{
    struct pci_device *device = search->device;
    const uint32_t length_bytes = head >> 16 & 0xff, kind = head >> 24;
    struct pci_place *place = kind == COMMON   ? &device->common
                              : kind == NOTIFY ? &device->notify
                              : kind == DEVICE ? &device->device
                                               : NULL;
    if (place == NULL || place->length_bytes != 0) return;
    if (length_bytes < (kind == NOTIFY ? OWN_NOTIFY_BYTES : OWN_BYTES)) return;
    const uint32_t offset = get(search, capability + 8);
    if (offset % 4 != 0) return;
    if (!place_in(search, get(search, capability + 4) & 0xff, offset, get(search, capability + 12),
                  place))
        return;
    if (kind == NOTIFY) device->notify_multiplier = get(search, capability + 16);
}

static void take_msix(struct search *search, uint32_t capability)
{
    struct pci_place table;
    uint32_t where = get(search, capability + 4);
    if (search->device->msix_table != 0) return;
    if (!place_in(search, where & 7, where & ~7u, MSIX_ENTRY_BYTES, &table)) return;
    search->device->msix_table = table.address;
    search->device->msix_capability = capability;
}

static void read_capabilities(struct search *search)
{
    uint32_t place = get(search, CAPABILITIES) & 0xfc;
    for (unsigned i = 0; i < CAPABILITIES_MAX && place >= CAPABILITY_FIRST; i++) {
        uint32_t head = get(search, place), kind = head & 0xff;
        bool fits = place <= 0x100 - OWN_NOTIFY_BYTES;
        if (kind == CAPABILITY_OWN && fits) take_own(search, place, head);
        if (kind == CAPABILITY_MSIX && fits) take_msix(search, place);
        place = head >> 8 & 0xfc;
    }
}

/* ---- devices ---- */

static uint8_t kind_of(const struct search *search, uint32_t id)
{
    const uint32_t number = id >> 16;
    uint32_t kind = 0;
    if ((id & 0xffff) != VENDOR) return 0;
    if (number >= TRANSITIONAL && number <= TRANSITIONAL_LAST) kind = get(search, SUBSYSTEM) >> 16;
    if (number > MODERN) kind = number - MODERN;
    return kind >= MACHINE_NET && kind <= MACHINE_ENTROPY ? (uint8_t)kind : 0;
}

/* It decodes nothing while its BARs are asked for their sizes. */
static bool take_device(struct search *search, uint32_t id)
{
    struct pci_device *device = search->device;
    device->kind = kind_of(search, id);
    if (device->kind == 0) return false;
    const uint32_t said = get(search, COMMAND), command = said & 0xffff;
    if ((said & HAS_LIST) == 0) return false;
    set(search, COMMAND, command & ~(COMMAND_PORTS | COMMAND_MEMORY));
    read_capabilities(search);
    if (device->common.length_bytes < MACHINE_PCI_COMMON_BYTES ||
        device->notify.length_bytes == 0) {
        set(search, COMMAND, command);
        return false;
    }
    set(search, COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX);
    return true;
}

/* ---- buses ---- */

struct buses {
    uint8_t numbers[PCI_BUSES_MAX];
    size_t count;
};

/* Behind a bridge lies a bus of a higher number, so that none is searched twice in a circle. */
static void add_bus(struct buses *buses, uint32_t function, uint32_t numbers)
{
    const uint8_t secondary = (uint8_t)(numbers >> 8);
    if (secondary <= function >> 8 || buses->count == PCI_BUSES_MAX) return;
    for (size_t i = 0; i < buses->count; i++)
        if (buses->numbers[i] == secondary) return;
    buses->numbers[buses->count++] = secondary;
}

struct walk {
    const struct pci_space *space;
    struct pci_window *window;
    struct buses buses;
    struct pci_device *found;
    size_t count, max;
};

/* Whether further functions of the same device may follow. */
static bool look_at(struct walk *walk, uint32_t function)
{
    const uint32_t id = walk->space->read(walk->space, function, ID);
    if ((id & 0xffff) == NONE) return function % 8 != 0;
    const uint32_t header = walk->space->read(walk->space, function, HEADER);
    if (TYPE_OF(header) == TYPE_BRIDGE)
        add_bus(&walk->buses, function, walk->space->read(walk->space, function, BUSES));
    if (TYPE_OF(header) == 0 && walk->count < walk->max) {
        struct pci_device *device = &walk->found[walk->count];
        *device = (struct pci_device){ .function = function };
        struct search search = { .space = walk->space, .window = walk->window, .device = device };
        if (take_device(&search, id)) walk->count++;
    }
    return function % 8 != 0 || (header & MANY_FUNCTIONS) != 0;
}

static void search_bus(struct walk *walk, uint32_t bus)
{
    for (uint32_t device = 0; device < 32; device++)
        for (uint32_t function = 0; function < 8; function++)
            if (!look_at(walk, bus << 8 | device << 3 | function)) break;
}

size_t pci_find(const struct pci_space *space, struct pci_window *window, struct pci_device found[],
                size_t max)
{
    struct walk walk = {
        .space = space, .window = window, .buses.count = 1, .found = found, .max = max
    };
    for (size_t i = 0; i < walk.buses.count; i++)
        search_bus(&walk, walk.buses.numbers[i]);
    return walk.count;
}

void pci_enable_msix(const struct pci_space *space, const struct pci_device *device)
{
    uint32_t control = space->read(space, device->function, device->msix_capability);
    space->write(space, device->function, device->msix_capability,
                 (control & ~MSIX_MASK) | MSIX_ENABLE);
}
