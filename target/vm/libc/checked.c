/* checked.c - what archives call that were built with _FORTIFY_SOURCE: the same functions, told how
 * much room there is.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "target/vm/libc/libc.h"

void *LIBC(__memcpy_chk)(void *restrict to, const void *restrict from, size_t length, size_t room)
{
    assert_that(length, <=, room);
    return LIBC(memcpy)(to, from, length);
}

void *LIBC(__memmove_chk)(void *to, const void *from, size_t length, size_t room)
{
    assert_that(length, <=, room);
    return LIBC(memmove)(to, from, length);
}

void *LIBC(__memset_chk)(void *to, int byte, size_t length, size_t room)
{
    assert_that(length, <=, room);
    return LIBC(memset)(to, byte, length);
}
