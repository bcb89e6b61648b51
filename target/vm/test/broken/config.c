/* config.c - broken needs nothing but a way to break.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "broken.h"

unikernel(broken)
{
    start(broken_start, parameters(broken));
}
