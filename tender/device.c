/* device.c - what all devices do alike.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device.h"

#include <stdio.h>

void device_break(struct device *device, const char *problem)
{
    device->descriptor = -1;
    if (device->is_broken) return;
    device->is_broken = true;
    (void)fprintf(stderr,
                  "loom-tender: %s is served no more, as what the guest says is wrong: %s\n",
                  device->name, problem);
}
