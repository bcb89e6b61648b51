/* tcp_limit.h - so many at once and so many a second: a limit of eight bytes.
 *
 * It remembers when it will have its full burst again (the generic cell rate algorithm), so it
 * costs nothing while nobody asks. A zeroed one is full.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_LIMIT_H
#define LOOM_TCP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

struct tcp_limit {
    uint64_t full_ns;
};

/* Takes one: at most `burst` at once, and one an `interval_ns` on the long run. False: not now. */
static inline bool tcp_limit_take(struct tcp_limit *limit, uint64_t now_ns, uint64_t interval_ns,
                                  uint32_t burst)
{
    uint64_t full_ns = MAX(limit->full_ns, now_ns) + interval_ns;
    if (full_ns - now_ns > interval_ns * burst) return false;
    limit->full_ns = full_ns;
    return true;
}

#endif
