/* hello.c - the smallest unikernel: it says hello and ends.
 *
 * SPDX-License-Identifier: ISC */
#include "hello.h"

#include "target/console.h"

enum result hello_start(void)
{
    console_write(VIEW("Hello from Loom.\n"));
    return OK;
}
