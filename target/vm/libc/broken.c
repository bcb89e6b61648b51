/* broken.c - how compiled code says that it cannot go on.
 *
 * SPDX-License-Identifier: ISC */
#include "target/exit.h"

__attribute__((noreturn)) void __stack_chk_fail(void);
__attribute__((noreturn)) void abort(void);

/* The canary below a return address is not what it was. */
void __stack_chk_fail(void)
{
    target_panic(VIEW("a function has written past its variables on the stack"));
}

void abort(void)
{
    target_panic(VIEW("abort"));
}
