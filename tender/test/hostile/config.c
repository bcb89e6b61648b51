/* config.c - hostile needs nothing but the boot page.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "hostile.h"

unikernel(hostile)
{
    start(hostile_start, parameters(hostile));
}
