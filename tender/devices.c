/* devices.c - what the guest says of its devices in the boot page, and the turn of all of them.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/devices.h"

static uint32_t read_once(const uint32_t *value)
{
    return *(const volatile uint32_t *)value;
}

static void start(const struct devices *devices, struct device *device)
{
    /* From here on it is our copy that counts. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const struct machine_device said = *device->shared;
    device->is_ready = device->ops->start(device, &devices->memory, &said);
    if (!device->is_ready) device_break(device, "how it is set up");
}

static void stop(struct device *device)
{
    if (device->is_ready) device->ops->stop(device);
    device->is_ready = false;
    device->descriptor = -1;
    __atomic_store_n(&device->shared->status, 0, __ATOMIC_RELEASE);
}

static void look(const struct devices *devices, struct device *device)
{
    uint32_t status = read_once(&device->shared->status);
    if (status == MACHINE_DEVICE_RESET) stop(device);
    if (status == MACHINE_DEVICE_READY && !device->is_ready && !device->is_broken)
        start(devices, device);
}

bool devices_serve(struct devices *devices)
{
    bool has_news = false;
    for (size_t i = 0; i < devices->count; i++) {
        struct device *device = devices->list[i];
        look(devices, device);
        if (device->is_ready && !device->is_broken)
            has_news |= device->ops->serve(device, &devices->memory);
    }
    return has_news;
}
