/* boot.h - the machine as its monitor left it: the boot pages, and the crossing back to it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VM_BOOT_H
#define LOOM_VM_BOOT_H

#include "target/machine/machine.h"

/* Set before anything else runs. */
extern struct machine_boot *boot_page;

/* Crosses to the monitor with a command whose operands are in boot_page->control. Some 25 us. */
void machine_cross(enum machine_command command);

/* For the two commands that end the machine. */
__attribute__((noreturn, cold)) void machine_end(enum machine_command command, int status);

#endif
