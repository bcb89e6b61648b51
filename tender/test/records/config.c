/* config.c - records needs one disk.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "records.h"

unikernel(records)
{
    start(records_start, default_block(), parameters(records));
}
