/* oracle_panic.c - the one thing that the library asks of a target here.
 *
 * SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "target/exit.h"

void target_panic(struct view report)
{
    (void)fprintf(stderr, "%.*s\n", VIEW_FORMAT(report));
    abort();
}
