/* memory_fill.c - memset.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/libc/libc.h"
#include "target/vm/libc/vector.h"

#define STRING_INSTRUCTION_FROM 512

#define AT(type, bytes, offset) (*(type *)((bytes) + (offset)))

static void fill_up_to_16(uint8_t *to, uint64_t word, size_t length)
{
    if (length >= 8) {
        AT(word8_anywhere, to, 0) = word;
        AT(word8_anywhere, to, length - 8) = word;
    } else if (length >= 4) {
        AT(word4_anywhere, to, 0) = (uint32_t)word;
        AT(word4_anywhere, to, length - 4) = (uint32_t)word;
    } else if (length >= 2) {
        AT(word2_anywhere, to, 0) = (uint16_t)word;
        AT(word2_anywhere, to, length - 2) = (uint16_t)word;
    } else if (length == 1) {
        *to = (uint8_t)word;
    }
}

/* From 16 bytes on; the last vector overlaps. The empty statement keeps the compiler from making a
 * call of memset out of the loop. */
static void fill_vectors(uint8_t *to, uint64_t word, size_t length)
{
    const vector16 vector = (vector16)(__attribute__((vector_size(16))) uint64_t){ word, word };
    for (size_t at = 0; at + 16 < length; at += 16) {
        AT(vector16_anywhere, to, at) = vector;
        __asm__ volatile("");
    }
    AT(vector16_anywhere, to, length - 16) = vector;
}

static void fill_long(uint8_t *to, uint8_t byte, size_t length)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(length) : "a"(byte) : "memory");
}

void *LIBC(memset)(void *to, int byte, size_t length)
{
    uint64_t word = (uint8_t)byte * UINT64_C(0x0101010101010101);
    if (length < 16) {
        fill_up_to_16(to, word, length);
    } else if (length < STRING_INSTRUCTION_FROM) {
        fill_vectors(to, word, length);
    } else {
        fill_long(to, (uint8_t)byte, length);
    }
    return to;
}
