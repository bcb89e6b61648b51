/* config.c - hello needs nothing but the console, which every image has.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "hello.h"

unikernel(hello)
{
    start(hello_start);
}
