/* config.c - an image that sends a stream, or takes one.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "stream.h"

unikernel(stream)
{
    start(stream_start, stack_tcp(default_stack()), parameters(stream));
}
