/* resolver_faulty.c - a resolver that makes another one slow and unreliable.
 *
 * SPDX-License-Identifier: ISC */
#include "resolver/resolver_faulty.h"

#include "flow/fault.h"

static enum result resolver_faulty_lookup(struct resolver *resolver, struct view name,
                                          enum address_family family, struct address addresses[],
                                          size_t room, size_t *count, uint64_t deadline_ns)
{
    struct resolver_faulty *faulty = CONTAINER_OF(resolver, struct resolver_faulty, resolver);
    enum result result = fault_delay(&faulty->random, faulty->plan.delay_ns_max, deadline_ns);
    if (result != OK) return result;
    if (fault_strikes(&faulty->random, faulty->plan.fail_per_million)) {
        faulty->failed_count++;
        return FAILED;
    }
    if (fault_strikes(&faulty->random, faulty->plan.absent_per_million)) {
        faulty->absent_count++;
        return NOT_FOUND;
    }
    return resolver_lookup(faulty->below, name, family, addresses, room, count, deadline_ns);
}

static const struct resolver_ops resolver_faulty_ops = RESOLVER_OPS(resolver_faulty);

enum result resolver_faulty_open(struct resolver_faulty *faulty, struct resolver *below,
                                 const struct resolver_faulty_plan *plan)
{
    *faulty = (struct resolver_faulty){
        .resolver.ops = &resolver_faulty_ops, .below = below, .plan = *plan, .random = plan->seed
    };
    return OK;
}

void resolver_faulty_close(struct resolver_faulty *faulty)
{
    *faulty = (struct resolver_faulty){ 0 };
}
