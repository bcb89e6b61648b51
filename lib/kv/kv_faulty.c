/* kv_faulty.c - each call asks the plan first; one that fails does not reach the store below, so
 * that a batch that failed was not applied.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_faulty.h"

#include "base/units.h"
#include "fiber/fiber.h"

#define MILLION 1000000

static struct kv_faulty *faulty_of(struct kv *kv)
{
    return CONTAINER_OF(kv, struct kv_faulty, kv);
}

/* SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014). */
static uint64_t random_next(struct kv_faulty *faulty)
{
    uint64_t mixed = faulty->random += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

static enum result meet_fate(struct kv_faulty *faulty)
{
    const struct kv_faulty_plan *plan = &faulty->plan;
    uint64_t delay = random_next(faulty), draw = random_next(faulty);
    bool fails = ++faulty->call_count == plan->fail_at || draw % MILLION < plan->fail_per_million;
    enum result failure = plan->failure != OK ? plan->failure : FAILED;
    if (plan->delay_ns_max > 0) (void)fiber_sleep(delay % (plan->delay_ns_max + 1));
    if (!fails) return OK;
    faulty->failed_count++;
    return failure;
}

static enum result kv_faulty_open_value(struct kv *kv, struct view key, struct kv_value *value)
{
    struct kv_faulty *faulty = faulty_of(kv);
    enum result result = meet_fate(faulty);
    return result == OK ? kv_open(faulty->below, key, value) : result;
}

static enum result kv_faulty_read(struct kv *kv, const struct kv_value *value,
                                  uint64_t offset_bytes, struct span room, size_t *length_bytes)
{
    struct kv_faulty *faulty = faulty_of(kv);
    enum result result = meet_fate(faulty);
    return result == OK ? kv_read(faulty->below, value, offset_bytes, room, length_bytes) : result;
}

/* A release cannot fail. */
static void kv_faulty_release(struct kv *kv, struct kv_value *value)
{
    kv_release(faulty_of(kv)->below, value);
}

static enum result kv_faulty_list(struct kv *kv, struct view prefix, struct kv_visitor *visitor)
{
    struct kv_faulty *faulty = faulty_of(kv);
    enum result result = meet_fate(faulty);
    return result == OK ? kv_list(faulty->below, prefix, visitor) : result;
}

static enum result kv_faulty_apply(struct kv *kv, const struct kv_change changes[], size_t count)
{
    struct kv_faulty *faulty = faulty_of(kv);
    enum result result = meet_fate(faulty);
    return result == OK ? kv_apply(faulty->below, changes, count) : result;
}

static const struct kv_ops kv_faulty_ops = KV_OPS(kv_faulty);

enum result kv_faulty_open(struct kv_faulty *faulty, struct kv *below,
                           const struct kv_faulty_plan *plan)
{
    *faulty = (struct kv_faulty){
        .kv = { .ops = &kv_faulty_ops, .read_only = below->read_only },
        .below = below,
    };
    if (plan != NULL) faulty->plan = *plan;
    faulty->random = faulty->plan.seed;
    return OK;
}

void kv_faulty_close(struct kv_faulty *faulty)
{
    *faulty = (struct kv_faulty){ 0 };
}
