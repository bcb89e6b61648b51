/* config.c - an image that puts load on a disk.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "disk.h"

unikernel(disk)
{
    start(disk_start, default_block(), parameters(disk));
}
