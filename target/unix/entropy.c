/* entropy.c - randomness from the host's kernel.
 *
 * SPDX-License-Identifier: ISC */
#include "target/entropy.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

void entropy_fill(struct span room)
{
    while (room.length_bytes > 0) {
        ssize_t got = getrandom(room.bytes, room.length_bytes, 0);
        if (got < 0) {
            assert_that(errno, ==, EINTR);
            continue;
        }
        room = span_from_offset(room, (size_t)got);
    }
}
