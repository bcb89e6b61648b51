/* memory.c - what compilers call by themselves. The monitor is not in a hurry: the string
 * instructions do.
 *
 * SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length_bytes);
void *memset(void *to, int byte, size_t length_bytes);
int memcmp(const void *a, const void *b, size_t length_bytes);
void *memchr(const void *bytes, int byte, size_t length_bytes);
size_t strlen(const char *string);

void *memcpy(void *restrict to, const void *restrict from, size_t length_bytes)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(length_bytes) : : "memory");
    return to;
}

void *memset(void *to, int byte, size_t length_bytes)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(length_bytes) : "a"(byte) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t length_bytes)
{
    const uint8_t *first = a, *second = b;
    for (size_t i = 0; i < length_bytes; i++)
        if (first[i] != second[i]) return first[i] < second[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *bytes, int byte, size_t length_bytes)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length_bytes; i++)
        if (at[i] == (uint8_t)byte) return (void *)(uintptr_t)&at[i];
    return NULL;
}

size_t strlen(const char *string)
{
    size_t length = 0;
    while (string[length] != 0)
        length++;
    return length;
}
