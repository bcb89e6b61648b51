/* tcp_sequence.h - sequence numbers, which wrap (RFC 9293 3.4).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_SEQUENCE_H
#define LOOM_TCP_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

/* How far `a` is past `b`; negative: before it. */
static inline int32_t sequence_past(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static inline bool sequence_before(uint32_t a, uint32_t b)
{
    return sequence_past(a, b) < 0;
}

static inline bool sequence_at_most(uint32_t a, uint32_t b)
{
    return sequence_past(a, b) <= 0;
}

static inline uint32_t sequence_later(uint32_t a, uint32_t b)
{
    return sequence_before(a, b) ? b : a;
}

/* start <= number < start + length */
static inline bool sequence_in(uint32_t number, uint32_t start, uint32_t length)
{
    return number - start < length;
}

/* The bytes from `start` up to, not with, `end`. */
struct tcp_range {
    uint32_t start, end;
};

static inline uint32_t range_bytes(struct tcp_range range)
{
    return range.end - range.start;
}

#endif
