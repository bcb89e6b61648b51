/* manifest.h - which devices an image wants to have, as its manifest (JSON, RFC 8259) tells.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_MANIFEST_H
#define LOOM_TENDER_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/view.h"
#include "target/machine/machine.h"

struct manifest_device {
    enum machine_device_kind kind;
    struct view name;   /* "net0": what the image asks for */
    struct view prefix; /* "": what a user calls it: that of its boot parameters */
};

struct manifest {
    struct view name;
    struct manifest_device devices[MACHINE_DEVICES_MAX];
    size_t count;
};

/* Reads as much as the tender has to know. False: it is malformed, or there are too many devices.
 */
bool manifest_read(struct manifest *manifest, struct view text);

#endif
