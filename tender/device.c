/* device.c - what all devices do alike.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device.h"

#include <stdarg.h>

#include "tender/fail.h"

void device_warn(const struct device *device, const char *words, ...)
{
    va_list values;
    va_start(values, words);
    tender_say_about(device->name, words, values);
    va_end(values);
}

void device_break(struct device *device, const char *problem)
{
    device->descriptor = -1;
    if (device->is_broken) return;
    device->is_broken = true;
    device_warn(device, "it is served no more, as what the guest says to it is wrong: %s", problem);
}

void device_present(struct device *device, struct machine_device *shared,
                    const struct machine_device *presented)
{
    device->shared = shared;
    device->descriptor = -1;
    (void)span_copy(SPAN_OF(device->name), VIEW_OF(presented->name));
    *shared = *presented;
}
