/* log_limit.c - buckets of lines, found by the address of the place that says them.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log_limit.h"

#include "base/result.h"
#include "base/units.h"

static_assert((LOG_BUCKETS & (LOG_BUCKETS - 1)) == 0, "an index is a hash that is masked");

/* Places lie in read-only data, some tens of bytes apart. The multiplier is 2^64 divided by the
 * golden ratio (Knuth, "The Art of Computer Programming" 3, 6.4). */
static size_t first_index(const struct log_place *place)
{
    uint64_t hash = (uint64_t)(uintptr_t)place * 0x9e3779b97f4a7c15u;
    return (size_t)(hash >> 40) & (LOG_BUCKETS - 1);
}

/* Of no use any more: its second is over, and nothing is left to tell. */
static bool is_free(const struct log_bucket *bucket, uint64_t now_ns)
{
    return bucket->place == NULL || (bucket->held_back == 0 && bucket->second_ends_ns <= now_ns);
}

static struct log_bucket *bucket_of(struct log_limit *limit, const struct log_place *place,
                                    uint64_t now_ns)
{
    struct log_bucket *unused = NULL;
    size_t first = first_index(place);
    for (size_t i = 0; i < LOG_BUCKETS_TRIED; i++) {
        struct log_bucket *bucket = &limit->buckets[(first + i) & (LOG_BUCKETS - 1)];
        if (bucket->place == place) return bucket;
        if (unused == NULL && is_free(bucket, now_ns)) unused = bucket;
    }
    if (unused == NULL) return &limit->buckets[first];
    *unused = (struct log_bucket){ .place = place };
    return unused;
}

bool log_limit_admits(struct log_limit *limit, const struct log_place *place, const char *words,
                      uint64_t now_ns)
{
    struct log_bucket *bucket = bucket_of(limit, place, now_ns);
    if (bucket->second_ends_ns <= now_ns) {
        bucket->second_ends_ns = now_ns + LOG_SECOND_NS;
        bucket->said = 0;
    }
    if (bucket->said < limit->burst_count) {
        bucket->said++;
        return true;
    }
    limit->next_ns = MIN(log_limit_next_ns(limit), bucket->second_ends_ns);
    limit->held_back++;
    bucket->held_back++;
    bucket->words = words;
    return false;
}

/* One whose second is over; without one, the next time to look is found on the way. */
static struct log_bucket *find_over(struct log_limit *limit, uint64_t now_ns)
{
    uint64_t next_ns = NEVER;
    for (size_t i = 0; i < LOG_BUCKETS; i++) {
        struct log_bucket *bucket = &limit->buckets[i];
        if (bucket->held_back == 0) continue;
        if (bucket->second_ends_ns <= now_ns) return bucket;
        next_ns = MIN(next_ns, bucket->second_ends_ns);
    }
    limit->next_ns = next_ns;
    return NULL;
}

COLD bool log_limit_take_over(struct log_limit *limit, uint64_t now_ns, struct log_held_back *lines)
{
    if (now_ns < log_limit_next_ns(limit)) return false;
    struct log_bucket *bucket = find_over(limit, now_ns);
    if (bucket == NULL) return false;
    *lines = (struct log_held_back){ .place = bucket->place,
                                     .words = bucket->words,
                                     .count = bucket->held_back };
    limit->held_back -= bucket->held_back;
    bucket->held_back = 0;
    return true;
}

uint64_t log_limit_next_ns(const struct log_limit *limit)
{
    return limit->held_back == 0 ? NEVER : limit->next_ns;
}
