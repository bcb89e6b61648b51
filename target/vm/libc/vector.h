/* vector.h - sixteen bytes, and words, at any address: what the memory functions move.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LIBC_VECTOR_H
#define LOOM_LIBC_VECTOR_H

#include <stdint.h>

/* Lanes that compare to 0 or -1. */
typedef int8_t vector16 __attribute__((vector_size(16)));
typedef vector16 vector16_anywhere __attribute__((aligned(1), may_alias));
typedef uint64_t word8_anywhere __attribute__((aligned(1), may_alias));
typedef uint32_t word4_anywhere __attribute__((aligned(1), may_alias));
typedef uint16_t word2_anywhere __attribute__((aligned(1), may_alias));

/* A bit for each lane that is not 0. */
static inline unsigned vector16_bits(vector16 lanes)
{
    return (unsigned)__builtin_ia32_pmovmskb128((__attribute__((vector_size(16))) char)lanes);
}

#endif
