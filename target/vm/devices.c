/* devices.c - the boot pages as drivers ask for them.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/virtio/machine_memory.h"
#include "target/vm/boot.h"

uint64_t machine_slide(void)
{
    return boot_page->slide;
}

static bool has_name(const struct machine_device *device, struct view name)
{
    struct view own = VIEW_OF(device->name);
    own = view_first(own, view_find_byte(own, 0));
    return view_is_empty(name) || view_equal(own, name);
}

struct machine_device *machine_device_find(enum machine_device_kind kind, struct view name)
{
    size_t count = MIN(boot_page->device_count, (uint32_t)MACHINE_DEVICES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct machine_device *device = &boot_page->devices[i];
        if (device->kind == kind && has_name(device, name)) return device;
    }
    return NULL;
}
