/* exit.c - how a machine ends that has not crashed. What it has written lies in the console's
 * queue, which is served as it ends.
 *
 * SPDX-License-Identifier: ISC */
#include "target/exit.h"

#include "target/vm/boot.h"
#include "target/vm/memory.h"

void target_exit(int status)
{
    memory_check();
    machine_end(MACHINE_EXIT, status);
}
