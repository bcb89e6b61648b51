/* units.h - names for sizes and times, and the few helpers every file wants.
 *
 * Times are absolute monotonic nanoseconds unless a name says otherwise.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UNITS_H
#define LOOM_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define KIB ((uint64_t)1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

#define US_NS ((uint64_t)1000)
#define MS_NS (US_NS * 1000)
#define S_NS  (MS_NS * 1000)

/* A deadline that never comes, and one that has passed: with it a call tries once and does not
 * wait. */
#define NEVER   UINT64_MAX
#define NO_WAIT ((uint64_t)0)

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that `pointer` is the named member of. The assignment checks the member's type. */
#define CONTAINER_OF(pointer, type, member) \
    (__extension__({ \
        type *container_; \
        __typeof__(container_->member) *member_ = (pointer); \
        container_ = (type *)(void *)((char *)member_ - offsetof(type, member)); \
        container_; \
    }))

/* These evaluate an argument twice, so that they also make constants: no calls inside them. */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* now + duration, which stays NEVER instead of wrapping round. */
static inline uint64_t deadline_after(uint64_t now_ns, uint64_t duration_ns)
{
    uint64_t deadline_ns;
    return __builtin_add_overflow(now_ns, duration_ns, &deadline_ns) ? NEVER : deadline_ns;
}

#endif
