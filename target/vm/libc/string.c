/* string.c - the functions for strings that end in NUL: on the console's edge only, so a byte at a
 * time.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/libc/libc.h"

/* The empty statement keeps the compiler from making a call of strlen out of the loop. */
size_t LIBC(strlen)(const char *string)
{
    size_t length = 0;
    while (string[length] != 0) {
        length++;
        __asm__ volatile("");
    }
    return length;
}

int LIBC(strncmp)(const char *a, const char *b, size_t length)
{
    for (size_t at = 0; at < length; at++) {
        if (a[at] != b[at] || a[at] == 0) return (uint8_t)a[at] - (uint8_t)b[at];
    }
    return 0;
}

int LIBC(strcmp)(const char *a, const char *b)
{
    return LIBC(strncmp)(a, b, SIZE_MAX);
}
