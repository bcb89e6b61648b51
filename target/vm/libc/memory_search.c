/* memory_search.c - memcmp, memchr, memrchr and memmem: sixteen bytes at a time, and the last ones
 * one by one, since nothing behind them may be touched.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/libc/libc.h"
#include "target/vm/libc/vector.h"

#define AT(bytes, offset) (*(const vector16_anywhere *)((bytes) + (offset)))

#define ALL 0xffffu

static vector16 broadcast(int byte)
{
    return (vector16){ 0 } + (int8_t)(uint8_t)byte;
}

int LIBC(memcmp)(const void *a, const void *b, size_t length)
{
    const uint8_t *left = a, *right = b;
    size_t at = 0;
    for (; length - at >= 16; at += 16) {
        unsigned differs = vector16_bits(AT(left, at) == AT(right, at)) ^ ALL;
        if (differs == 0) continue;
        at += (size_t)__builtin_ctz(differs);
        return left[at] - right[at];
    }
    for (; at < length; at++) {
        if (left[at] != right[at]) return left[at] - right[at];
    }
    return 0;
}

/* The function gives its caller's bytes back as it must: without const. */
static void *found(const uint8_t *place)
{
    return (void *)(uintptr_t)place; // NOLINT: without const
}

void *LIBC(memchr)(const void *bytes, int byte, size_t length)
{
    const uint8_t *room = bytes;
    const vector16 wanted = broadcast(byte);
    size_t at = 0;
    for (; length - at >= 16; at += 16) {
        unsigned bits = vector16_bits(AT(room, at) == wanted);
        if (bits != 0) return found(room + at + __builtin_ctz(bits));
    }
    for (; at < length; at++) {
        if (room[at] == (uint8_t)byte) return found(room + at);
    }
    return NULL;
}

void *LIBC(memrchr)(const void *bytes, int byte, size_t length)
{
    const uint8_t *room = bytes;
    const vector16 wanted = broadcast(byte);
    for (; length >= 16; length -= 16) {
        unsigned bits = vector16_bits(AT(room, length - 16) == wanted);
        if (bits != 0) return found(room + length - 16 + (31 - __builtin_clz(bits)));
    }
    while (length > 0) {
        if (room[--length] == (uint8_t)byte) return found(room + length);
    }
    return NULL;
}

/* By the first byte, then the rest: parts are short, and texts too. */
void *LIBC(memmem)(const void *bytes, size_t length, const void *part, size_t part_length)
{
    const uint8_t *room = bytes, *wanted = part;
    if (part_length == 0) return found(room);
    while (length >= part_length) {
        const uint8_t *first = LIBC(memchr)(room, wanted[0], length - part_length + 1);
        if (first == NULL) return NULL;
        if (LIBC(memcmp)(first, wanted, part_length) == 0) return found(first);
        length -= (size_t)(first + 1 - room);
        room = first + 1;
    }
    return NULL;
}
