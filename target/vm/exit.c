/* exit.c - how a machine ends that has not crashed.
 *
 * SPDX-License-Identifier: ISC */
#include "target/exit.h"

#include "target/vm/boot.h"
#include "target/vm/services.h"

void target_exit(int status)
{
    console_drain();
    machine_end(MACHINE_EXIT, status);
}
