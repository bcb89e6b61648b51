/* config.c - tick has no devices: fibers and time are there in every image. It has boot parameters
 * of its own.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "tick.h"

unikernel(tick)
{
    start(tick_start, parameters(tick));
}
