/* config.c - blocks needs a disk.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "blocks.h"

unikernel(blocks)
{
    start(blocks_start, default_block(), parameters(blocks));
}
