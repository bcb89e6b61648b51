/* icmp_limit.c - how many errors may go out: buckets of tokens.
 *
 * The bucket over all is where one stranger could see another's traffic: by using it up and finding
 * how many of its own questions are still answered. So it comes last, after that of the
 * destination's group, and how full it gets is drawn anew each time that it fills.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "icmp/icmp_private.h"

#define BURSTS_PER_SECOND 20 /* of the bucket over all */

/* As many as have come together since the last time, at most `capacity` together with what is
 * there. */
static void refill(struct icmp_bucket *bucket, uint64_t now_ns, uint64_t per_second,
                   uint64_t capacity)
{
    uint64_t elapsed_ns = now_ns - bucket->refilled_ns;
    if (elapsed_ns > S_NS) bucket->refilled_ns = now_ns - (elapsed_ns = S_NS);
    uint64_t tokens = elapsed_ns * per_second / S_NS;
    if (tokens == 0) return;
    bucket->refilled_ns += tokens * S_NS / per_second;
    bucket->tokens = (uint32_t)MIN(bucket->tokens + tokens, capacity);
}

static struct icmp_bucket *group_of(struct icmp *icmp, const struct address *destination)
{
    return &icmp->groups[siphash(icmp->group_key, VIEW_OF(destination->bytes)) % ICMP_GROUPS];
}

void icmp_limit_open(struct icmp *icmp)
{
    const struct icmp_parameters *parameters = &icmp->parameters;
    icmp->all = (struct icmp_bucket){
        .refilled_ns = icmp->agenda->now_ns,
        .tokens = (uint32_t)(parameters->errors_per_second / BURSTS_PER_SECOND),
    };
    for (size_t i = 0; i < ICMP_GROUPS; i++)
        icmp->groups[i] = (struct icmp_bucket){
            .refilled_ns = icmp->agenda->now_ns,
            .tokens = (uint32_t)parameters->group_errors_per_second,
        };
}

bool icmp_limit_take(struct icmp *icmp, const struct address *destination)
{
    const struct icmp_parameters *parameters = &icmp->parameters;
    uint64_t now_ns = icmp->agenda->now_ns;
    struct icmp_bucket *group = group_of(icmp, destination);
    refill(group, now_ns, parameters->group_errors_per_second, parameters->group_errors_per_second);
    if (group->tokens == 0) return false;
    group->tokens--;

    uint64_t burst = parameters->errors_per_second / BURSTS_PER_SECOND;
    refill(&icmp->all, now_ns, parameters->errors_per_second,
           burst - secret_number_below(&icmp->random, burst / 2 + 1));
    if (icmp->all.tokens == 0) return false;
    icmp->all.tokens--;
    return true;
}
