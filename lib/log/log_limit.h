/* log_limit.h - that no place in the code says more than so many lines in a second. Within lib/log.
 *
 * A place gets a bucket when it speaks and may lose it once its second is over. Where more places
 * speak within one second than there are buckets near each other, two of them share one, and with
 * it the bound: the log stays bounded, and a few lines more are held back and counted.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LOG_LIMIT_H
#define LOOM_LOG_LIMIT_H

#include "log/log.h"

#define LOG_BUCKETS       128 /* a power of two */
#define LOG_BUCKETS_TRIED 8
#define LOG_SECOND_NS     ((uint64_t)1000000000)

struct log_bucket {
    const struct log_place *place; /* NULL: not in use */
    const char *words;             /* of the line that was held back last */
    uint64_t second_ends_ns;
    uint64_t said, held_back;
};

struct log_limit {
    uint64_t burst_count;
    uint64_t held_back; /* of all buckets */
    uint64_t next_ns;   /* while it is not 0: no second in which something was ends before */
    struct log_bucket buckets[LOG_BUCKETS];
};

/* Lines that a place was not allowed to say. */
struct log_held_back {
    const struct log_place *place;
    const char *words; /* of one of them, before their values were put in */
    uint64_t count;
};

/* Whether a line of the place may be said now; if not, it is counted as held back. Times are
 * monotonic; `words` is a literal. */
bool log_limit_admits(struct log_limit *limit, const struct log_place *place, const char *words,
                      uint64_t now_ns);

/* Takes what one bucket has held back in a second that is over; false when there is none (any
 * more). */
bool log_limit_take_over(struct log_limit *limit, uint64_t now_ns, struct log_held_back *lines);

/* When log_limit_take_over is worth calling next; NEVER when nothing is held back. */
uint64_t log_limit_next_ns(const struct log_limit *limit);

#endif
