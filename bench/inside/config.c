/* config.c - an image that measures itself: `inside --measure=yield|sleepers|parser`.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "inside.h"

unikernel(inside)
{
    use("flow");
    use("tcp");
    use("ip");
    use("kv");
    use("http");
    start(inside_start, parameters(inside));
}
