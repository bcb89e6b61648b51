/* attach.h - opens the devices that an image's manifest wants, over what the command line gives.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_ATTACH_H
#define LOOM_TENDER_ATTACH_H

#include "tender/device_block.h"
#include "tender/device_console.h"
#include "tender/device_net.h"
#include "tender/devices.h"
#include "tender/manifest.h"
#include "tender/options.h"

/* The console and one more: each of a machine's devices is one of these. */
union any_device {
    struct device_console console;
    struct device_net net;
    struct device_block block;
};

struct attached {
    struct devices devices;
    union any_device list[MACHINE_DEVICES_MAX];
    struct device_net *nets[MACHINE_DEVICES_MAX];
    size_t net_count;
    uint64_t disk_bytes_max; /* the longest of the disks */
    bool captures;           /* what some net carries */
};

/* The descriptors that the command line names; how many. */
size_t attach_inherited(const struct tender_options *options, int numbers[MACHINE_DEVICES_MAX]);

/* Opens all and fills the boot page's list. Ends the process where one is missing, and says what to
 * add. */
void attach_all(struct attached *attached, const struct manifest *manifest,
                struct tender_options *options, struct machine_boot *boot);

/* The processes that were started for them; how many. */
size_t attached_children(const struct attached *attached, int numbers[MACHINE_DEVICES_MAX]);

/* Ends those, which takes a millisecond. What else is open closes with this process. */
void attached_end_children(struct attached *attached);

#endif
