/* broken.c - how compiled code says that it cannot go on.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "target/exit.h"

__attribute__((noreturn)) void __stack_chk_fail(void);
__attribute__((noreturn)) void abort(void);
__attribute__((noreturn)) void __assert_fail(const char *condition, const char *file, unsigned line,
                                             const char *function);

/* The canary below a return address is not what it was. */
void __stack_chk_fail(void)
{
    target_panic(VIEW("a function has written past its variables on the stack"));
}

void abort(void)
{
    target_panic(VIEW("abort"));
}

/* A foreign archive's own check; LSB 5, 13. */
void __assert_fail(const char *condition, const char *file, unsigned line, const char *function)
{
    panic_at(file, line, "assertion failed in %s: %s", function, condition);
}
