/* devices.c - keeps the list of devices and of their registers' pages.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/devices.h"

#include "base/units.h"
#include "target/monitor/monitor.h"
#include "tender/manifest.h"

#define PAGE          ((uint64_t)MACHINE_PAGE_BYTES)
#define LARGE         (2 * MIB)
#define RUN_MAX       (64 * KIB)
#define GAP_MAX       (8 * PAGE) /* less than that between two registers is shown with them */
#define FIRST_HIGH    (4 * GIB)
#define HIGH_MAX      16
#define PHYSICAL_BITS 52

void devices_open(struct devices *devices)
{
    *devices = (struct devices){ .fixed_count = 2 };
    devices->fixed[0] = (struct machine_fixed_pages){
        .physical = PLACE_START,
        .length_bytes = PLACE_END - PLACE_START,
        .kind = MACHINE_FIXED_MONITOR,
    };
    devices->fixed[1] = (struct machine_fixed_pages){ .physical = LAPIC,
                                                      .length_bytes = PAGE,
                                                      .kind = MACHINE_FIXED_SYSTEM };
}

/* ---- registers above 4 GiB ---- */

/* They are seen in pages of 2 MiB behind what else the first tables show, and there in the image's
 * tables, too: where they physically lie may be where the image is. 0: no room. */
static uint64_t show_high(uint64_t physical)
{
    static _Alignas(MACHINE_PAGE_BYTES) uint64_t entries[MACHINE_PAGE_BYTES / sizeof(uint64_t)];
    const uint64_t flags = 0xe7; /* as setup.c has them */
    uint64_t *directory = physical_pointer(PLACE_TABLES + PAGE);
    const uint64_t entry = (physical & ~(LARGE - 1)) | flags;
    if (physical >> PHYSICAL_BITS != 0) return 0;
    directory[FIRST_HIGH / GIB] = (uintptr_t)entries | (flags & 0x67);
    for (uint64_t i = 0; i < HIGH_MAX; i++) {
        if (entries[i] != 0 && entries[i] != entry) continue;
        entries[i] = entry;
        return FIRST_HIGH + i * LARGE + physical % LARGE;
    }
    return 0;
}

/* ---- pages ---- */

static uint64_t end_of(const struct machine_fixed_pages *pages)
{
    return pages->physical + pages->length_bytes;
}

static bool are_near(const struct machine_fixed_pages *a, const struct machine_fixed_pages *b)
{
    if (a->slide != b->slide) return false;
    return a->physical <= end_of(b) + GAP_MAX && b->physical <= end_of(a) + GAP_MAX;
}

/* One run of pages out of all that are near to each other. False: it is not registers' place. */
static bool join(struct devices *devices, struct machine_fixed_pages run)
{
    for (size_t i = 0; i < devices->fixed_count; i++) {
        struct machine_fixed_pages *other = &devices->fixed[i];
        if (!are_near(other, &run)) continue;
        if (other->kind != MACHINE_FIXED_REGISTERS) return false;
        const uint64_t start = MIN(run.physical, other->physical);
        run.length_bytes = MAX(end_of(&run), end_of(other)) - start;
        run.physical = start;
        *other = devices->fixed[--devices->fixed_count];
        i = SIZE_MAX; /* it may have come near to others */
    }
    if (devices->fixed_count == MACHINE_FIXED_MAX) return false;
    devices->fixed[devices->fixed_count++] = run;
    return true;
}

uint64_t devices_show(struct devices *devices, uint64_t physical, uint64_t length_bytes)
{
    if (length_bytes == 0 || length_bytes > RUN_MAX || physical < 3 * GIB) return 0;
    const uint64_t start = physical & ~(PAGE - 1);
    const uint64_t end = (physical + length_bytes + PAGE - 1) & ~(PAGE - 1);
    if (end <= start) return 0;
    uint64_t virtual = physical;
    if (end > FIRST_HIGH) {
        if (start / LARGE != (end - 1) / LARGE) return 0;
        virtual = show_high(physical);
        if (virtual == 0) return 0;
    }
    const struct machine_fixed_pages run = { .physical = start,
                                             .length_bytes = end - start,
                                             .slide = virtual - physical,
                                             .kind = MACHINE_FIXED_REGISTERS };
    return join(devices, run) ? virtual : 0;
}

/* ---- the list ---- */

struct machine_device *devices_add(struct devices *devices, uint8_t kind,
                                   enum machine_transport transport)
{
    if (devices->count == MACHINE_DEVICES_MAX) return NULL;
    struct machine_device *device = &devices->list[devices->count++];
    device->kind = kind;
    device->transport = (uint8_t)transport;
    device->queue_count = kind == MACHINE_NET || kind == MACHINE_CONSOLE ? 2 : 1;
    return device;
}

static void name_device(struct devices *devices, enum machine_device_kind kind, size_t number,
                        struct view name)
{
    for (uint32_t i = 0; i < devices->count; i++) {
        struct machine_device *device = &devices->list[i];
        if (device->kind != kind || number-- > 0) continue;
        (void)span_copy(SPAN_OF(device->name), name);
        return;
    }
}

/* Registers tell no names: the first card of the machine is the first that the image asks for. */
void devices_name(struct devices *devices, struct view manifest)
{
    static struct manifest wanted;
    size_t counts[MACHINE_ENTROPY + 1] = { 0 };
    if (view_is_empty(manifest)) return;
    if (!manifest_read(&wanted, manifest))
        refuse_to_run("its image has a manifest that is malformed");
    for (size_t i = 0; i < wanted.count; i++) {
        const struct manifest_device *device = &wanted.devices[i];
        name_device(devices, device->kind, counts[device->kind]++, device->name);
    }
}
