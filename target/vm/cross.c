/* cross.c - the one way out of the machine.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/boot.h"

/* The monitor reads and writes memory: nothing may be kept in registers across it. */
static void cross_by_port(void)
{
    __asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"((uint16_t)MACHINE_PORT) : "memory");
}

static void cross_by_int3(void)
{
    __asm__ volatile("int3" : : : "memory");
}

void machine_cross(enum machine_command command)
{
    boot_page->control.command = command;
    if (boot_page->crossing == MACHINE_BY_PORT) {
        cross_by_port();
    } else {
        cross_by_int3();
    }
}

void machine_end(enum machine_command command, int status)
{
    boot_page->control.status = status & 0xff;
    machine_cross(command);
    __builtin_trap(); /* a monitor that comes back is broken */
}
